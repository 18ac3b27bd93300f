// SPDX-License-Identifier: Apache-2.0
// What a caller wants a sandbox to be. Everything the sandbox knows of images and jobs is here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace podpilot::sandbox {

// Ids as the payload sees them.
struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary; dropped where only one id can be mapped

  bool operator==(const Identity&) const = default;
};

enum class Access { read_only, read_write };

struct BindMount {
  std::string source;  // absolute path outside: a file or a folder, mounts below it included
  std::string target;  // absolute path inside; made if it is not there
  Access access = Access::read_only;
};

// `host`: the pod's. `none`: the payload reaches itself only.
enum class Network { host, none };

struct TmpfsMount {
  std::string target;
  std::uint64_t size = 0;  // bytes; 0 is the kernel's default, half of the memory
};

// Soft and hard alike, but for cpu_seconds; nothing leaves what the pod has.
struct ResourceLimits {
  std::optional<std::uint64_t> open_files{};
  std::optional<std::uint64_t> core_size{};  // bytes
  std::optional<std::uint64_t> file_size{};  // bytes
  std::optional<std::uint64_t> data_size{};  // bytes of private writable memory, of each process
  // Processes and threads. Counts by user namespace and uid (Linux 5.14); the kernel spares the
  // machine's own root.
  std::optional<std::uint64_t> processes{};
  std::optional<std::uint64_t> cpu_seconds{};  // of each process
  std::optional<std::uint64_t> cpus{};         // to run on, chosen among those that the pod may use
};

struct Spec {
  // Folders in overlayfs' own format (char 0:0 whiteouts, user.overlay.opaque), absolute, bottom
  // first. Never written to.
  std::vector<std::string> layers;
  // On the rungs that mount nothing: the same layers merged into one plain tree, on the volume that
  // the pod's root shows (layout.h), and which names at its top hold anything. Of this sandbox
  // alone, but files below kShared names may be links to the layers' own.
  std::string root;
  std::vector<std::string> root_names;
  // An existing folder of this sandbox alone, on a filesystem that may hold an overlay's upper
  // layer (not itself an overlay). The caller removes it when the sandbox has ended.
  std::string workspace;

  std::vector<std::string> argv;  // argv[0] with a slash is a path inside, else found in PATH
  std::vector<std::string> env;   // "NAME=value"
  std::string workdir = "/";      // made if it is not there
  Identity user;
  std::vector<BindMount> binds;
  std::vector<TmpfsMount> tmpfs;
  std::vector<std::string> devices;  // nodes below the pod's /dev beside the usual, absolute
  Network network = Network::host;
  std::string hostname;  // "" leaves the pod's
  // Of the image's tree, where that is the pod's own root: that even programs and libraries in it
  // are copies, which may be written to. An overlay can be written to anyway.
  bool writable_image = false;
  bool read_only = false;  // the image's tree; binds, tmpfs and /dev stay as they are
  ResourceLimits limits;
  bool fake_root = false;  // changes of owner and user, and devices made, seem to succeed
  // A terminal of the sandbox's own devpts becomes stdin, stdout and stderr; its other end comes
  // back with the first report.
  bool terminal = false;
};

}  // namespace podpilot::sandbox
