// SPDX-License-Identifier: Apache-2.0
// What the files of an image cost where nothing can be mounted. Prints, asserts nothing.
// Usage: flatten_bench FOLDER ROUNDS LAYER...: lowest layer first; FOLDER is on their disk. With 0
// rounds it flattens once, for strace to count.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "sandbox/base/path.h"
#include "sandbox/flatten.h"

using namespace podpilot;

namespace {

template <typename T>
void must(const Result<T>& result) {
  if (result) return;
  std::fprintf(stderr, "flatten_bench: %s\n", result.error().text.c_str());
  std::exit(1);
}

double now_ms(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return static_cast<double>(at.tv_sec) * 1e3 + static_cast<double>(at.tv_nsec) / 1e6;
}

class Timing {
 public:
  template <typename Work>
  void take(Work&& work) {
    const double start = now_ms(CLOCK_MONOTONIC);
    const double start_cpu = now_ms(CLOCK_THREAD_CPUTIME_ID);
    work();
    times_.push_back(now_ms(CLOCK_MONOTONIC) - start);
    cpu_.push_back(now_ms(CLOCK_THREAD_CPUTIME_ID) - start_cpu);
  }
  void print(const char* what) {
    std::ranges::sort(times_);
    std::ranges::sort(cpu_);
    fmt::print("{:<28} median {:6.1f} ms, best {:6.1f} ms; of CPU {:6.1f} and {:6.1f} ms\n", what,
               times_[times_.size() / 2], times_.front(), cpu_[cpu_.size() / 2], cpu_.front());
  }

 private:
  std::vector<double> times_;
  std::vector<double> cpu_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string place = argv[1];
  const int rounds = std::atoi(argv[2]);
  const std::vector<std::string> layers(argv + 3, argv + argc);
  const DirFd parent = open_dir(place).value();
  const std::string target = place + "/flat";
  if (rounds == 0) {
    sandbox::Ledger ledger;
    must(sandbox::flatten(layers, place, {}, ledger));
    return 0;
  }
  Timing first, again, check, remove;
  sandbox::TreeStats stats;
  std::size_t memory = 0;
  for (int i = 0; i < rounds; ++i) {
    sandbox::Ledger ledger;
    for (Timing* timing : {&first, &again}) {
      timing->take([&] {
        if (::mkdir(target.c_str(), 0700) != 0) std::abort();
        auto made = sandbox::flatten(layers, target, {}, ledger);
        must(made);
        stats = *std::move(made);
      });
      if (!stats.changed.empty()) std::abort();
      check.take([&] {
        for (const std::string& layer : layers) must(ledger.check(layer, {}));
      });
      remove.take([&] { must(sandbox::remove_flattened(parent, "flat", ledger)); });
    }
    memory = ledger.memory();
  }
  fmt::print("{} folders, {} links, {} copies, ledger {} kB\n", stats.folders, stats.linked,
             stats.copied, memory / 1000);
  first.print("flatten, layers not known");
  again.print("flatten, layers known");
  check.print("check of all layers");
  remove.print("remove");
  return 0;
}
