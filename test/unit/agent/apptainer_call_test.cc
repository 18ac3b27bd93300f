// SPDX-License-Identifier: Apache-2.0
// The calls are those that condor_starter 23.9.6 and 25.14.1 made, with the paths of a pool of
// Debian's packages.
#include "agent/cli/apptainer_call.h"

#include <algorithm>

#include "agent/cli/apptainer_flags.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

namespace {

using Words = std::vector<std::string>;

const std::string kDir23 = "/var/lib/condor/execute/dir_50";
const std::string kDir25 = "/var/lib/condor/execute/dir_63";
const std::string kScratch25 = kDir25 + "/scratch";
const std::string kImage = "docker://127.0.0.1:5000/x:latest";

Words words_of(std::string_view text) {
  Words out;
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t space = std::min(text.find(' ', at), text.size());
    if (space > at) out.emplace_back(text.substr(at, space - at));
    at = space + 1;
  }
  return out;
}

Surroundings surroundings(std::string cwd = kDir23) {
  return {.cwd = std::move(cwd), .uid = 61501, .gid = 61502, .environment = {}};
}

Result<ApptainerCall> parse(const Words& words, const Surroundings& from = surroundings()) {
  return parse_apptainer_call(words, from);
}

std::string error_of(const Words& words) {
  const Result<ApptainerCall> call = parse(words);
  return call ? "" : call.error().text;
}

std::string in_23(const std::string& verb) {
  return "-s " + verb + " -S /tmp -S /var/tmp -W " + kDir23 + " --pwd " + kDir23 + " -B " + kDir23 +
         " --home " + kDir23 + " -C ";
}

std::string in_25(const std::string& verb) {
  return "-s " + verb + " -S /tmp -S /var/tmp -W " + kScratch25 + " --pwd " + kScratch25 + " -B " +
         kDir25 + " --home " + kScratch25 + " -C ";
}

}  // namespace

TEST_CASE("the startd's detection", "[agent][apptainer]") {
  CHECK(parse({"--version"})->verb == ApptainerVerb::version);
  const Result<ApptainerCall> probe =
      parse(words_of("exec -C /usr/libexec/condor/singularity_test_sandbox /exit_37"));
  REQUIRE(probe);
  CHECK(probe->verb == ApptainerVerb::exec);
  CHECK(probe->job.image == "/usr/libexec/condor/singularity_test_sandbox");
  CHECK(probe->job.command == Words{"/exit_37"});
  CHECK(probe->job.args.empty());
  CHECK(probe->job.user == "61501:61502");
  CHECK(probe->job.binds.empty());
  CHECK(probe->folders.empty());
  const Result<ApptainerCall> retry =
      parse(words_of("exec --contain --ipc --cleanenv /sandbox /get_user_ns"));
  REQUIRE(retry);
  CHECK(retry->job.command == Words{"/get_user_ns"});

  const Result<ApptainerCall> sif =
      parse(words_of("exec -C /usr/libexec/condor/exit_37.sif /exit_37"));
  REQUIRE_FALSE(sif);
  CHECK(sif.error().fault == Fault::unsupported);
  CHECK(sif.error().text.find("/usr/libexec/condor/exit_37.sif: a SIF image") == 0);
}

TEST_CASE("a job in an image of a registry", "[agent][apptainer]") {
  const std::string job = kImage + " " + kDir23 + "/job.sh container 4";
  const Result<ApptainerCall> call = parse(words_of(in_23("exec") + job));
  REQUIRE(call);
  CHECK(call->verb == ApptainerVerb::exec);
  CHECK(call->job.image == kImage);
  CHECK(call->job.command == Words{kDir23 + "/job.sh"});
  CHECK(call->job.args == Words{"container", "4"});
  CHECK(call->job.workdir == kDir23);
  CHECK(call->job.scratch.empty());
  CHECK(call->workdir == kDir23);
  CHECK(call->folders == Words{".podpilot/scratch/tmp", ".podpilot/scratch/var/tmp"});
  CHECK(call->job.binds ==
        std::vector<Bind>{{kDir23 + "/.podpilot/scratch/tmp", "/tmp", true},
                          {kDir23 + "/.podpilot/scratch/var/tmp", "/var/tmp", true},
                          {kDir23, kDir23, true}});
  CHECK(call->job.env.at("HOME") == kDir23);
  CHECK(call->job.env.at("APPTAINER_CONTAINER") == kImage);
  CHECK_FALSE(call->login);
  CHECK_FALSE(call->nvidia);
  CHECK(call->options.empty());
}

TEST_CASE("a nested scratch folder is shown once", "[agent][apptainer]") {
  const Result<ApptainerCall> call =
      parse(words_of(in_25("exec") + kImage + " /bin/echo notransfer 0"), surroundings(kScratch25));
  REQUIRE(call);
  CHECK(call->job.binds ==
        std::vector<Bind>{{kScratch25 + "/.podpilot/scratch/tmp", "/tmp", true},
                          {kScratch25 + "/.podpilot/scratch/var/tmp", "/var/tmp", true},
                          {kDir25, kDir25, true}});
  CHECK(call->job.env.at("HOME") == kScratch25);
  CHECK(call->job.workdir == kScratch25);
  CHECK(call->job.command == Words{"/bin/echo"});
}

TEST_CASE("container_target_dir", "[agent][apptainer]") {
  const std::string head = "-s exec -W " + kScratch25 + " --pwd /srv/scratch -B " + kDir25 +
                           ":/srv --home " + kScratch25 + " -C ";
  const Result<ApptainerCall> call =
      parse(words_of(head + kImage + " /srv//scratch/job.sh targetdir"), surroundings(kScratch25));
  REQUIRE(call);
  CHECK(call->job.binds ==
        std::vector<Bind>{{kDir25, "/srv", true}, {kScratch25, kScratch25, true}});
  CHECK(call->job.workdir == "/srv/scratch");
  CHECK(call->job.command == Words{"/srv//scratch/job.sh"});
}

TEST_CASE("test and run", "[agent][apptainer]") {
  const Result<ApptainerCall> test = parse(words_of("-s -q " + in_23("test").substr(3) + kImage));
  REQUIRE(test);
  CHECK(test->verb == ApptainerVerb::test);
  CHECK(test->job.command == Words{"/.singularity.d/test"});
  CHECK(test->job.args.empty());

  // The image's own program, of whatever kind the image is.
  const Result<ApptainerCall> run = parse(words_of(in_23("run") + kImage + " an argument"));
  REQUIRE(run);
  CHECK(run->job.command.empty());
  CHECK(run->job.args == Words{"an", "argument"});
  const Result<ApptainerCall> folder = parse(words_of(in_23("run") + "image"));
  REQUIRE(folder);
  CHECK(folder->job.image == kDir23 + "/image");
  CHECK(folder->job.command == Words{"/.singularity.d/runscript"});
}

TEST_CASE("images", "[agent][apptainer]") {
  const std::pair<std::string, std::string> rows[] = {
      {"image", kDir23 + "/image"},
      {"./image/", kDir23 + "/image"},
      {"/cvmfs/unpacked/x", "/cvmfs/unpacked/x"},
      {"docker://debian:12", "docker://debian:12"},
  };
  for (const auto& [given, image] : rows) {
    const Result<ApptainerCall> call = parse({"exec", given, "true"});
    REQUIRE(call);
    CHECK(call->job.image == image);
    CHECK(call->job.name == given);
  }
  for (const char* given : {"x.sif", "/a/x.sif", "old.simg", "oras://host/x", "library://x"}) {
    const Result<ApptainerCall> call = parse({"exec", given, "true"});
    REQUIRE_FALSE(call);
    CHECK(call.error().fault == Fault::unsupported);
    CHECK(call.error().text.starts_with(given));
  }
}

TEST_CASE("which variables enter", "[agent][apptainer]") {
  Surroundings from = surroundings();
  from.environment = {{"FOO", "plain"},
                      {"PATH", "/outside"},
                      {"HOME", "/outside"},
                      {"LD_LIBRARY_PATH", "/outside"},
                      {"APPTAINER_CACHEDIR", kDir23},
                      {"APPTAINERENV_FOO", "a b"},
                      {"APPTAINERENV_HOME", "/nowhere"},
                      {"APPTAINERENV_PATH", "/job/bin"},
                      {"APPTAINERENV_APPTAINER_DOCKER_PASSWORD", "secret"},
                      {"APPTAINERENV_", "nameless"},
                      {"SINGULARITYENV_FOO", "older"},
                      {"SINGULARITYENV_BAR", "bar"}};
  using Env = std::map<std::string, std::string>;
  const Env always = {{"APPTAINER_CONTAINER", kImage}, {"SINGULARITY_CONTAINER", kImage}};
  const auto with = [&always](Env more) {
    more.insert(always.begin(), always.end());
    return more;
  };
  const Env prefixed = with({{"FOO", "a b"}, {"BAR", "bar"}, {"PATH", "/job/bin"}});
  CHECK(parse({"exec", "-C", kImage, "true"}, from)->job.env == prefixed);
  CHECK(parse({"exec", "--cleanenv", kImage, "true"}, from)->job.env == prefixed);
  from.environment.erase("APPTAINERENV_PATH");
  from.environment["OTHER"] = "here";
  CHECK(parse({"exec", kImage, "true"}, from)->job.env ==
        with({{"FOO", "a b"}, {"BAR", "bar"}, {"OTHER", "here"}}));
  CHECK(parse({"exec", "-C", "--env", "FOO=c=d", kImage, "true"}, from)->job.env.at("FOO") ==
        "c=d");
}

TEST_CASE("no option is taken from the environment", "[agent][apptainer]") {
  Surroundings from = surroundings();
  from.environment = {{"PODPILOT_CACHE", "/elsewhere"},
                      {"APPTAINER_BIND", "/etc"},
                      {"SINGULARITY_BINDPATH", "/etc"},
                      {"APPTAINER_CONTAINALL", "0"}};
  const Result<ApptainerCall> call = parse({"exec", kImage, "true"}, from);
  REQUIRE(call);
  CHECK(call->options.empty());
  CHECK(call->job.binds.empty());
}

TEST_CASE("the job's credentials", "[agent][apptainer]") {
  Surroundings from = surroundings();
  from.environment = {{"APPTAINER_DOCKER_USERNAME", "flyer"}};
  CHECK_FALSE(parse({"exec", kImage, "true"}, from)->login);
  from.environment["SINGULARITY_DOCKER_PASSWORD"] = "secret";
  const Result<ApptainerCall> call = parse({"exec", kImage, "true"}, from);
  REQUIRE(call->login);
  CHECK(call->login->username == "flyer");
  CHECK(call->login->password == "secret");
  for (const auto& [name, value] : call->job.env) CHECK(value != "secret");
}

TEST_CASE("binds", "[agent][apptainer]") {
  const std::pair<std::string, std::vector<Bind>> rows[] = {
      {"/a", {{"/a", "/a", true}}},
      {"/a:/b", {{"/a", "/b", true}}},
      {"/a:/b/:ro", {{"/a", "/b", false}}},
      {"/a:/b:rw,/c", {{"/a", "/b", true}, {"/c", "/c", true}}},
      {"sub:/b", {{kDir23 + "/sub", "/b", true}}},
      {"/a,/a/b,/a:/a", {{"/a", "/a", true}}},
      {"/a,/ab", {{"/a", "/a", true}, {"/ab", "/ab", true}}},
      {"/a:/a:ro,/a/b", {{"/a", "/a", false}, {"/a/b", "/a/b", true}}},
  };
  for (const auto& [text, binds] : rows) {
    const Result<ApptainerCall> call = parse({"exec", "--bind", text, kImage, "true"});
    REQUIRE(call);
    CHECK(call->job.binds == binds);
  }
  CHECK(error_of({"exec", "-B", "/a:/b:image-src=/", kImage, "true"}) ==
        "-B \"/a:/b:image-src=/\": unknown bind option image-src=/");
  for (const char* bad : {"", ":", "/a:b", "/a:", "/a:/b:ro:ro", "/a,,/b"})
    CHECK(error_of({"exec", "-B", bad, kImage, "true"}).find("must be SOURCE") !=
          std::string::npos);
}

TEST_CASE("what SINGULARITY_EXTRA_ARGUMENTS may add", "[agent][apptainer]") {
  const Result<ApptainerCall> call =
      parse(words_of("-s exec -C --nv --rocm --cache /work/cache --registry-config=/f --fakeroot "
                     "-B/data:/data:ro " +
                     kImage + " id -u"));
  REQUIRE(call);
  CHECK(call->nvidia);
  CHECK(call->amd);
  CHECK(call->options == Words{"--cache", "/work/cache", "--registry-config", "/f"});
  CHECK(call->job.fake_root);
  CHECK(call->job.user == "0:0");
  CHECK(call->job.binds == std::vector<Bind>{{"/data", "/data", false}});
  CHECK(call->job.args == Words{"-u"});
}

TEST_CASE("an image that looks like a flag", "[agent][apptainer]") {
  const Result<ApptainerCall> call =
      parse(words_of("exec -C --cache /work/cache --cache=/the/jobs /folder sh"));
  REQUIRE(call);
  CHECK(call->options == Words{"--cache", "/work/cache"});
  CHECK(error_of(words_of("exec -C --require-isolation=none /folder sh")).starts_with("unknown"));
  CHECK(error_of(words_of("exec -C --sandbox=transplant /folder sh")).starts_with("unknown"));
}

TEST_CASE("what is not known is named", "[agent][apptainer]") {
  const std::pair<Words, std::string> rows[] = {
      {{"exec", "--writable", kImage, "true"}, "unknown flag --writable"},
      {{"exec", "-Cw", kImage, "true"}, "unknown flag -Cw"},
      {{"exec", "--contain=no", kImage, "true"}, "unknown flag --contain=no"},
      {{"exec", "--bind"}, "--bind lacks its value"},
      {{"-S"}, "-S lacks its value"},
      {{"shell", kImage}, "unknown command shell"},
      {{}, "what is to be done?"},
      {{"exec"}, "exec: which image?"},
      {{"exec", kImage}, "exec: which program?"},
      {{"exec", "-S", "/tmp", kImage, "true"}, "--scratch needs --workdir"},
      {{"exec", "--env", "=x", kImage, "true"}, "--env \"=x\": must be NAME=VALUE"},
  };
  for (const auto& [words, text] : rows) {
    const Result<ApptainerCall> call = parse(words);
    REQUIRE_FALSE(call);
    CHECK(call.error().fault == Fault::invalid);
    CHECK(call.error().text.starts_with(text));
  }
}

TEST_CASE("where the payload's words begin", "[agent][apptainer]") {
  const std::pair<Words, Words> rows[] = {
      {{"exec", "img", "ls", "-l", "--bind"}, {"img", "ls", "-l", "--bind"}},
      {{"exec", "-ce", "img", "ls"}, {"img", "ls"}},
      {{"exec", "--", "img", "--", "ls"}, {"img", "--", "ls"}},
      {{"-q", "exec", "-W=/w", "-W/w", "-W", "/w", "img", "-W"}, {"img", "-W"}},
  };
  for (const auto& [words, arguments] : rows) {
    const Result<ApptainerLine> line = parse_apptainer_line(words);
    REQUIRE(line);
    CHECK(line->verb == "exec");
    CHECK(line->arguments == arguments);
    for (const GivenFlag& given : line->flags)
      if (given.flag == ApptainerFlag::workdir) CHECK(given.value == "/w");
  }
}
