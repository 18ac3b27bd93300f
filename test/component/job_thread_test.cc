// SPDX-License-Identifier: Apache-2.0
#include "sandbox/job_thread.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include "sandbox/base/fd.h"
#include "test/catch.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;
using sandbox::JobThread;

namespace {

cpu_set_t affinity_of(pid_t thread) {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(thread, sizeof set, &set);
  return set;
}

// One of the processors that this process may run on.
cpu_set_t one_processor() {
  const cpu_set_t all = affinity_of(0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  return one;
}

std::string_view bytes_of(const cpu_set_t& set) {
  return {reinterpret_cast<const char*>(&set), sizeof set};
}

bool equal(const cpu_set_t& one, const cpu_set_t& other) {
  return CPU_EQUAL(&one, &other);
}

pid_t forked(const std::function<void()>& action = [] {}) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  action();
  for (;;) ::pause();
}

void end(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// What a pod's processes tell each other.
struct Scene {
  std::atomic<int> step;
  pid_t number;
  int found;
  int answer;

  void wait_for(int wanted) const {
    while (step < wanted) ::usleep(1000);
  }
};

// A supervisor whose payload ends between the look and the call.
void supervise(Scene& scene) {
  scene.number = forked();
  JobThread thread;
  scene.found = JobThread::find(scene.number, thread);
  end(scene.number);
  scene.step = 1;
  scene.wait_for(2);
  scene.answer = thread.set_affinity(bytes_of(one_processor()));
  scene.step = 3;
}

// The exit code says which expectation failed.
int pod(Scene& scene) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("proc", "/proc", "proc", 0, nullptr) != 0)
    return 1;
  const cpu_set_t all = affinity_of(0);
  forked([&] { supervise(scene); });
  scene.wait_for(1);
  // As if the next had passed on what it was given.
  const pid_t other = forked();
  const cpu_set_t one = one_processor();
  if (::sched_setaffinity(other, sizeof one, &one) != 0) return 2;
  const UniqueFd last(::open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
  const std::string before = std::to_string(scene.number - 1);
  if (::write(last.get(), before.data(), before.size()) < 0) return 3;
  if (forked() != scene.number) return 4;
  scene.step = 2;
  scene.wait_for(3);
  if (scene.found != 0) return 5;
  if (scene.answer != ESRCH) return 6;
  if (!equal(affinity_of(scene.number), all)) return 7;
  return equal(affinity_of(other), all) ? 0 : 8;
}

}  // namespace

TEST_CASE("threads of descendants can be placed, nobody else's", "[sandbox][affinity]") {
  if (rerun_unprivileged()) return;
  const cpu_set_t one = one_processor();
  const cpu_set_t all = affinity_of(0);
  JobThread thread;
  CHECK(JobThread::find(::getpid(), thread) == EPERM);
  CHECK(JobThread::find(::getppid(), thread) == EPERM);
  CHECK(JobThread::find(1, thread) == EPERM);
  CHECK(JobThread::find(0, thread) == EPERM);
  CHECK(JobThread::find(-1, thread) == EPERM);
  std::atomic<pid_t> own = 0;
  std::atomic<bool> over = false;
  std::thread mine([&] {
    own = static_cast<pid_t>(::syscall(SYS_gettid));
    over.wait(false);
  });
  while (own == 0) ::usleep(1000);
  CHECK(JobThread::find(own, thread) == EPERM);
  over = true;
  over.notify_all();
  mine.join();

  const pid_t child = forked();
  REQUIRE(JobThread::find(child, thread) == 0);
  CHECK(thread.set_affinity("") == EINVAL);
  CHECK(thread.set_affinity(bytes_of(one)) == 0);
  CHECK(equal(affinity_of(child), one));
  CHECK(thread.set_affinity(bytes_of(all)) == 0);
  CHECK(equal(affinity_of(child), all));
  end(child);
  CHECK(thread.set_affinity(bytes_of(one)) == ESRCH);
  CHECK(JobThread::find(child, thread) == ESRCH);
}

TEST_CASE("a number that became somebody else's changes nobody's processors",
          "[sandbox][affinity]") {
  if (rerun_unprivileged()) return;
  void* shared =
      ::mmap(nullptr, sizeof(Scene), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  auto& scene = *new (shared) Scene{};
  const pid_t first = fork_into(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID);
  REQUIRE(first >= 0);
  if (first == 0) ::_exit(pod(scene));
  int status = 0;
  REQUIRE(::waitpid(first, &status, 0) == first);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  ::munmap(shared, sizeof(Scene));
}
