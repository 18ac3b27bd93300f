// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/unpack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <system_error>
#include <thread>

#include "oci/layer/block_queue.h"
#include "oci/layer/decompress.h"
#include "oci/layer/layer_builder.h"
#include "oci/layer/tar_reader.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kQueueBlocks = 6;  // 1.5 MiB a layer

Error mismatch(std::string_view what, const std::string& got, const std::string& wanted) {
  return {Fault::corrupt, fmt::format("{} is {}, not {}", what, got, wanted)};
}

// Makes `fs`, and finds out the umask: it cannot be asked for without changing it for all threads.
struct NewRoot {
  DirFd fd;
  mode_t umask = 0;
};
Result<NewRoot> make_root(BorrowedFd into) {
  NewRoot root;
  root.fd = TRY(make_dir_at(into, "fs", 0777));
  struct stat st{};
  if (::fstat(root.fd.get(), &st) != 0) return sys_error("fstat fs");
  root.umask = ~st.st_mode & 0777;
  if (::fchmod(root.fd.get(), 0755) != 0) return sys_error("chmod fs");
  return root;
}

// The reader's side: queue -> diffID -> tar -> disk.
class Unpacker {
 public:
  Unpacker(BlockQueue& queue, const Digest& diff_id, BorrowedFd into, std::string_view boot)
      : queue_(queue), diff_id_(diff_id), into_(into), boot_(boot) {}

  // On a thread of its own. The writer learns of a failure at its next block.
  void run() {
    result_ = unpack();
    if (!result_) queue_.give_up(Error(result_.error()));
  }
  Result<void>& result() { return result_; }

 private:
  Result<std::string_view> next_bytes() {
    block_ = TRY(queue_.pull(std::move(block_)));
    sum_.update(block_.view());
    return block_.view();
  }

  Result<void> unpack() {
    const NewRoot root = TRY(make_root(into_));
    LayerBuilder builder(root.fd, root.umask);
    TarReader tar([this] { return next_bytes(); });
    TarEntry entry;
    for (;;) {
      const bool more = TRY(tar.next(entry));
      if (!more) break;
      TRY(builder.add(entry, tar));
    }
    // The digest is of the whole stream, and a tar may end before its stream does.
    for (;;) {
      const std::string_view rest = TRY(next_bytes());
      if (rest.empty()) break;
    }
    const Digest sum = sum_.finish();
    if (sum != diff_id_)
      return mismatch("the digest of the unpacked layer", sum.str(), diff_id_.str());
    TRY(builder.finish());
    UniqueFd index(::openat(into_.get(), "index", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!index) return sys_error("create index");
    return builder.write_index(index, boot_).within("index");
  }

  BlockQueue& queue_;
  const Digest& diff_id_;
  BorrowedFd into_;
  std::string_view boot_;
  Block block_;
  Sha256 sum_;
  Result<void> result_;
};

// The writer's side: served bytes -> digest -> inflate -> queue. After the content has turned out
// wrong it only hashes on, to say whose fault that is.
class Receiver {
 public:
  Receiver(BlockQueue& queue, Block first, const UnpackOptions& options)
      : inflate_(std::move(first), [&queue](Block full) { return queue.push(std::move(full)); }),
        options_(options) {}

  Result<void> take(std::string_view bytes) {
    if (options_.stop.stop_requested()) return Error{Fault::transient, "cancelled"};
    size_ += bytes.size();
    sum_.update(bytes);
    if (options_.progress) options_.progress(size_);
    return content_ ? judge(inflate_.write(bytes)) : Result<void>();
  }

  // What is wrong with the bytes as they were served; else what is wrong with their content.
  Result<void> finish(const Descriptor& blob) {
    if (content_) TRY(judge(inflate_.finish()));
    if (size_ != blob.size)
      return mismatch("the size", std::to_string(size_), std::to_string(blob.size));
    const Digest sum = sum_.finish();
    if (sum != blob.digest) return mismatch("the digest", sum.str(), blob.digest.str());
    return content_;
  }

 private:
  Result<void> judge(Result<void> written) {
    if (written) return {};
    const Fault fault = written.error().fault;
    if (fault != Fault::corrupt && fault != Fault::invalid) return written;
    content_ = std::move(written);
    return {};
  }

  Decompressor inflate_;
  const UnpackOptions& options_;
  Sha256 sum_;
  std::uint64_t size_ = 0;
  Result<void> content_;
};

Result<void> receive(const Fetch& fetch, const Descriptor& blob, BlockQueue& queue,
                     const UnpackOptions& options) {
  Block first = TRY(queue.first());
  Receiver receiver(queue, std::move(first), options);
  TRY(fetch([&receiver](std::string_view bytes) { return receiver.take(bytes); }));
  return receiver.finish(blob);
}

}  // namespace

Result<void> unpack_layer(const Fetch& fetch, const Descriptor& blob, const Digest& diff_id,
                          BorrowedFd into, const UnpackOptions& options) {
  BlockQueue queue(kQueueBlocks);
  Unpacker unpacker(queue, diff_id, into, options.boot);
  std::thread thread;
  try {
    thread = std::thread([&unpacker] { unpacker.run(); });
  } catch (const std::system_error& error) {
    return Error{Fault::exhausted, fmt::format("cannot start a thread: {}", error.what())};
  }
  Result<void> received = receive(fetch, blob, queue, options);
  if (received)
    queue.close();
  else
    queue.fail(Error(received.error()));
  thread.join();
  // The unpacker's failure may be only the echo of the receiver's.
  if (!received) return received;
  return std::move(unpacker.result());
}

}  // namespace podpilot::oci
