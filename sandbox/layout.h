// SPDX-License-Identifier: Apache-2.0
// What of the pod's own root can be made to show an image, on the rungs that mount nothing. A pod's
// image and its volumes decide that when the pod is created:
//
//   linked   /usr is a symlink to LIVE/usr, LIVE a name in a volume: one rename switches them all
//   filled   /usr is a volume (a subPath of an emptyDir) that is seen a second time below its
//            parent: the image's entries are moved in by rename(2)
//   folder   /etc is a folder that this user may write to: it gets a symlink for each entry
//
// What is emptied between jobs must be nobody's data: only names of the FHS are filled, only /etc,
// /var, /run and /tmp are folders, and the former two not where they are volumes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/mountinfo.h"

namespace podpilot::sandbox {

// What a runtime mounts over the image's own: the pod's names for itself and for the world.
inline constexpr std::array<std::string_view, 3> kPodFiles = {"/etc/resolv.conf", "/etc/hosts",
                                                              "/etc/hostname"};

enum class Place : std::uint8_t { linked, filled, folder };

struct TopLevel {
  std::string name;  // without the slash
  Place place{};
  std::string alias;          // filled: the same folder, in the volume's other mount
  bool holds_mounts = false;  // more than kPodFiles is mounted below it

  bool operator==(const TopLevel&) const = default;
};

// The first name of an absolute path.
std::string top_name(std::string_view path);

struct Layout {
  std::string live;  // the symlink that is switched; "" where nothing is linked
  std::vector<TopLevel> names;

  const TopLevel* find(std::string_view name) const;
};

// An entry of "/", as lstat(2), readlink(2) and access(2) see it.
struct RootEntry {
  std::string name;
  std::string link;  // target, of a symlink
  bool is_folder = false;
  bool writable = false;  // of a folder
};

// Pure. The live name is the one that most links agree on.
Layout judge_layout(const std::vector<RootEntry>& root, const std::vector<Mount>& mounts);

// Whether a job decides what is at `path`, which is absolute: it lies below a name that shows
// images, and on no mount of its own. Pure.
bool is_shown(const Layout& layout, const std::vector<Mount>& mounts, std::string_view path);

// Looks at the root of the calling process.
Result<Layout> discover_layout();

}  // namespace podpilot::sandbox
