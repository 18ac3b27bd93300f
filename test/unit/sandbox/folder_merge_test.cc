// SPDX-License-Identifier: Apache-2.0
#include "sandbox/folder_merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "test/catch.h"

using namespace podpilot::sandbox;

namespace {

// Each layer's names, the topmost layer first; a folder's name ends in a slash. What is shown, as
// "name LAYER" and "name/ LAYER,LAYER".
std::string merge(const std::vector<std::vector<std::string>>& layers) {
  FolderMerge merge;
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    merge.begin(static_cast<LayerNumber>(i), i + 1 == layers.size());
    for (const std::string& name : layers[i]) {
      if (name.ends_with('/'))
        merge.see_folder(name.substr(0, name.size() - 1));
      else if (merge.see_other(name))
        shown.push_back(fmt::format("{} {}", name, i));
    }
  }
  for (const FolderMerge::Folder& folder : merge.take_folders())
    shown.push_back(fmt::format("{}/ {}", folder.name, fmt::join(folder.layers, ",")));
  return fmt::format("{}", fmt::join(shown, "; "));
}

}  // namespace

TEST_CASE("what a merged folder shows", "[sandbox][flatten]") {
  struct Row {
    const char* what;
    std::vector<std::vector<std::string>> layers;
    const char* shown;
  };
  const Row rows[] = {
      {"nothing", {{}}, ""},
      {"one layer", {{"a", "b/", "c"}}, "a 0; c 0; b/ 0"},
      {"the topmost file wins", {{"a"}, {"a", "b"}, {"a", "b"}}, "a 0; b 1"},
      {"folders merge", {{"d/"}, {"d/", "x"}, {"d/"}}, "x 1; d/ 0,1,2"},
      {"a layer without the folder is not in its way", {{"d/"}, {}, {"d/"}}, "d/ 0,2"},
      {"a file over a folder", {{"d"}, {"d/"}}, "d 0"},
      {"a folder over a file", {{"d/"}, {"d"}}, "d/ 0"},
      {"a file between folders hides the lower one", {{"d/"}, {"d"}, {"d/"}}, "d/ 0"},
      {"a folder below a file below a file", {{"d"}, {"d"}, {"d/"}}, "d 0"},
      {"several folders", {{"x/", "y/"}, {"y/", "z/"}, {"x/"}}, "x/ 0,2; y/ 0,1; z/ 1"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(merge(row.layers) == row.shown);
  }
}
