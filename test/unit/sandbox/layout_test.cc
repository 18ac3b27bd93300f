// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layout.h"

#include "sandbox/rung.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::sandbox;

namespace {

RootEntry points(const std::string& name, const std::string& target) {
  return {.name = name, .link = target, .is_folder = false, .writable = false};
}
RootEntry folder(const std::string& name, bool writable) {
  return {.name = name, .link = "", .is_folder = true, .writable = writable};
}

}  // namespace

TEST_CASE("links into a volume, shared folders and subPaths are told apart", "[sandbox][layout]") {
  const std::string volume = "/kubelet/empty-dir/pod";
  const std::vector<Mount> mounts = {{"8:1", "/overlay", "/"},
                                     {"8:2", volume, "/pod"},
                                     {"8:2", volume + "/live/opt", "/opt"},
                                     {"8:3", "/other", "/data"},
                                     {"8:2", "/kubelet/hosts", "/etc/hosts"},
                                     {"0:9", "/", "/var/run/secrets/token"}};
  const Layout layout =
      judge_layout({points("usr", "/pod/live/usr"),
                    points("bin", "/pod/live/bin"),
                    points("odd", "/elsewhere/odd"),
                    points("wrong", "/pod/live/other"),
                    points("relative", "pod/live/relative"),
                    folder("etc", true),
                    folder("var", true),
                    folder("opt", true),
                    folder("data", true),
                    folder("boot", false),
                    folder("pod", true),
                    folder("proc", true),
                    folder("dev", true),
                    {.name = "podpilot", .link = "", .is_folder = false, .writable = false}},
                   mounts);
  CHECK(layout.live == "/pod/live");
  const auto place = [&](const char* name) { return layout.find(name)->place; };
  CHECK(place("usr") == Place::linked);
  CHECK(place("bin") == Place::linked);
  CHECK(place("etc") == Place::folder);
  CHECK_FALSE(layout.find("etc")->holds_mounts);
  CHECK(layout.find("var")->holds_mounts);
  CHECK(place("opt") == Place::filled);
  CHECK(layout.find("opt")->alias == "/pod/live/opt");
  for (const char* name :
       {"data", "odd", "wrong", "relative", "boot", "pod", "proc", "dev", "podpilot", "none"}) {
    CAPTURE(name);
    CHECK(layout.find(name) == nullptr);
  }
}

TEST_CASE("volumes with somebody's data are never a place", "[sandbox][layout]") {
  const std::vector<Mount> mounts = {{"8:2", "/data", "/pod"},   {"8:2", "/data/spool", "/spool"},
                                     {"8:3", "/claim", "/home"}, {"8:4", "/claim", "/var"},
                                     {"0:7", "/", "/tmp"},       {"8:2", "/data/live/usr", "/usr"}};
  const Layout layout =
      judge_layout({folder("pod", true), folder("spool", true), folder("home", true),
                    folder("var", true), folder("tmp", true), folder("usr", true)},
                   mounts);
  CHECK(layout.names.size() == 2);
  CHECK(layout.find("tmp")->place == Place::folder);
  CHECK(layout.find("usr")->place == Place::filled);
}

TEST_CASE("a volume that is hidden by another mount is none", "[sandbox][layout]") {
  const Mount pod{"8:2", "/data", "/pod"};
  const Mount tmp{"8:2", "/data/own/tmp", "/tmp"};
  const std::vector<RootEntry> root = {folder("pod", true), folder("tmp", true)};
  const auto place = [&](const std::vector<Mount>& mounts) {
    return judge_layout(root, mounts).find("tmp")->place;
  };
  CHECK(place({pod, {"0:7", "/", "/tmp"}, tmp}) == Place::filled);
  CHECK(place({pod, tmp, {"0:7", "/", "/tmp"}}) == Place::folder);
  CHECK(place({pod, {"0:7", "/", "/pod"}, tmp}) == Place::folder);
}

TEST_CASE("a root that can show nothing has no names", "[sandbox][layout]") {
  const Layout layout = judge_layout({folder("usr", false), folder("etc", false)}, {});
  CHECK(layout.live.empty());
  CHECK(layout.names.empty());
}

TEST_CASE("rungs and guarantees have the names that options use", "[sandbox][rung]") {
  for (const Rung rung : kLadder) CHECK(parse_rung(to_string(rung)) == rung);
  CHECK_FALSE(parse_rung("auto"));
  CHECK(parse_guarantees("pids,uid")->text() == "pids,uid");
  CHECK(parse_guarantees("none")->empty());
  for (const char* wrong : {"", "pids,", "root", "pids,uid,x"}) {
    CAPTURE(wrong);
    CHECK(parse_guarantees(wrong).error().fault == Fault::invalid);
  }
}

TEST_CASE("what each rung gives", "[sandbox][rung]") {
  struct Row {
    Rung rung;
    int abi;
    const char* gives;
    bool carries_out = false;
  };
  for (const Row& row : {Row{Rung::userns, 0, "pids,mounts,signals,metadata,network"},
                         Row{Rung::userns_nomount, 7, "pids,signals"},
                         Row{Rung::userns_nomount, 7, "pids,signals,metadata", true},
                         Row{Rung::transplant, 7, "signals,metadata", true},
                         Row{Rung::transplant_setuid, 1, "uid,signals,metadata"},
                         Row{Rung::transplant, 5, "none"}, Row{Rung::transplant, 6, "signals"}}) {
    CAPTURE(to_string(row.rung), row.abi);
    CHECK(guarantees_of(row.rung, row.abi, row.carries_out, false).text() == row.gives);
  }
  CHECK(guarantees_of(Rung::userns, 7, true, true).text() ==
        "pids,mounts,signals,metadata,memory,network");
  CHECK(guarantees_of(Rung::transplant, 7, false, false)
            .missing({Guarantee::pids, Guarantee::signals})
            .text() == "pids");
}

TEST_CASE("what a job would decide over is known by its place", "[sandbox][layout]") {
  const Layout layout{.live = "/pod/live",
                      .names = {{.name = "work", .place = Place::linked, .alias = ""},
                                {.name = "opt", .place = Place::filled, .alias = "/pod/live/opt"},
                                {.name = "var", .place = Place::folder, .alias = ""}}};
  const std::vector<Mount> mounts = {{"8:1", "/", "/"},
                                     {"8:2", "/pod", "/pod"},
                                     {"8:2", "/opt", "/opt"},
                                     {"8:3", "/", "/var/spool/jobs"},
                                     {"8:4", "/", "/work/data"}};
  CHECK_FALSE(is_shown(layout, mounts, "/pod/cache"));
  CHECK_FALSE(is_shown(layout, mounts, "/workshop"));
  CHECK(is_shown(layout, mounts, "/work"));
  CHECK(is_shown(layout, mounts, "/work/data/spool"));  // /work itself is the job's link
  CHECK(is_shown(layout, mounts, "/opt/cache"));
  CHECK(is_shown(layout, mounts, "/var/cache"));
  CHECK(is_shown(layout, mounts, "/var/spool"));
  CHECK_FALSE(is_shown(layout, mounts, "/var/spool/jobs"));
  CHECK_FALSE(is_shown(layout, mounts, "/var/spool/jobs/deep"));
  CHECK(is_shown(layout, mounts, "/var/spool/jobs2"));
}
