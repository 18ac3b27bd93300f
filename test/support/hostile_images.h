// SPDX-License-Identifier: Apache-2.0
// Images whose layers try to get out of their folder, to confuse who reads them, or to use up what
// there is: as data, with the end that each must have. test/HOSTILE.md says what is tested where.
#pragma once

#include <string>
#include <vector>

#include "test/support/tar_builder.h"

namespace podpilot::test {

struct HostileImage {
  std::string name;
  std::string precedent;            // CVE, issue, or whose test has it
  std::vector<std::string> layers;  // tars, lowest first
  // Of the error, which says what is wrong and names the entry; empty where the image is taken.
  std::vector<std::string> refused;
  // list_tree() of the whole image, if it is taken.
  std::string tree = {};
};

// `outside` is an absolute path, without symlinks, of the folder that must not change. It has a
// file `file` and a folder `folder` with a file `inner`.
std::vector<HostileImage> hostile_paths(const std::string& outside);
std::vector<HostileImage> hostile_links(const std::string& outside);
std::vector<HostileImage> hostile_whiteouts(const std::string& outside);
std::vector<HostileImage> hostile_metadata(const std::string& outside);
std::vector<HostileImage> hostile_headers();
std::vector<HostileImage> hostile_sizes();

// "a/b" -> "a d 0755\na/b d 0755\n": what the folders on the way to something look like.
std::string implied_folders(std::string_view path);

}  // namespace podpilot::test
