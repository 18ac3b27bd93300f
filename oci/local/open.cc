// SPDX-License-Identifier: Apache-2.0
#include "oci/local/open.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "oci/local/docker_archive.h"
#include "oci/local/image_files.h"
#include "oci/local/layout_source.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

Result<std::unique_ptr<ImageFiles>> open_archive(const std::string& path) {
  // O_NONBLOCK: opening a FIFO must not wait for somebody to write.
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return sys_error("open " + printable(path));
  std::unique_ptr<ImageFiles> out =
      TRY(ArchiveFiles::open(std::move(file)).within(printable(path)));
  return out;
}

}  // namespace

Result<std::unique_ptr<Source>> open_local(const Reference& reference) {
  switch (reference.kind) {
    case ReferenceKind::oci_layout: {
      DirFd folder = TRY(open_dir(reference.path));
      return std::make_unique<LayoutSource>(std::make_unique<FolderFiles>(std::move(folder)),
                                            reference.tag);
    }
    case ReferenceKind::oci_archive: {
      std::unique_ptr<ImageFiles> archive = TRY(open_archive(reference.path));
      return std::make_unique<LayoutSource>(std::move(archive), "");
    }
    case ReferenceKind::docker_archive: {
      std::unique_ptr<ImageFiles> archive = TRY(open_archive(reference.path));
      return TRY(DockerArchiveSource::open(std::move(archive)).within(printable(reference.path)));
    }
    case ReferenceKind::registry:
    case ReferenceKind::directory:
      break;
  }
  return Error{Fault::unsupported, "is no image in files"};
}

}  // namespace podpilot::oci
