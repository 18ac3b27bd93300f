// SPDX-License-Identifier: Apache-2.0
// The machine's files that configure names, certificates and credentials, as they were at one
// moment. Where the pod's own root shows a job's image their paths are the payload's to choose, so
// the pilot reads them before its first job and hands them on to the children that use them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot {

class ConfigFiles {
 public:
  // Files that are not there or may not be read are left out; of any other trouble the Error names
  // the file.
  static Result<ConfigFiles> read(const std::vector<std::string>& paths);

  // Through a file in memory, whose position is its beginning: for one reader.
  Result<UniqueFd> to_memory() const;
  static Result<ConfigFiles> from_memory(BorrowedFd fd);

  const std::string* find(const std::string& path) const;
  std::vector<std::string> names_in(const std::string& folder) const;  // sorted, of files only

 private:
  std::map<std::string, std::string> files_;
};

// From now on these are all the files that read_config_file() finds, and fopen(3), which is how
// c-ares and OpenSSL open theirs: neither looks at the disk. Local time is UTC. Once, before there
// are other threads.
void serve_config_files(ConfigFiles files);

// What was given to serve_config_files(), or nullptr.
const ConfigFiles* served_config_files();

// As read_file(), from the served files where there are such.
Result<std::string> read_config_file(const std::string& path, std::size_t limit);
// What is in `folder`, sorted; likewise. Nothing where it is not there or may not be read.
std::vector<std::string> config_file_names(const std::string& folder);

}  // namespace podpilot
