// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/job_ad.h"

#include <csignal>

#include "agent/scheduler/htcondor/slot/job_words.h"
#include "test/catch.h"
#include "test/unit/htcondor/golden.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::htcondor;
using Words = std::vector<std::string>;

namespace {

JobSetting typical() {
  JobSetting setting;
  setting.slot_name = "slot1_3@pod-1";
  setting.resources = {.cpus = 2, .memory = 1 << 30, .disk = 1 << 30};
  setting.env = {{"SITE", "here"}, {"FOO", "operator"}};
  return setting;
}

// As condor_submit of the container universe makes it, changed line by line.
Ad changed(const Words& lines) {
  Ad ad = test::golden_ad("25.14.1/job-docker-img.ad");
  for (const std::string& line : lines) REQUIRE(add_line(ad, line));
  return ad;
}

CondorJob read(const Ad& ad, const JobSetting& setting = typical()) {
  const auto job = read_job(ad, setting);
  if (!job) FAIL(job.error().text);
  return *job;
}

std::string held(const Ad& ad, const JobSetting& setting = typical()) {
  const auto job = read_job(ad, setting);
  return job ? "" : std::to_string(static_cast<int>(job.error().code)) + " " + job.error().text;
}

}  // namespace

TEST_CASE("a captured container job", "[slot][job_ad]") {
  for (const std::string release : {"23.9.6/", "25.14.1/"}) {
    INFO(release);
    const CondorJob job = read(test::golden_ad(release + "job-docker-img.ad"));
    const JobDescription& d = job.description;
    CHECK(d.image.starts_with("docker://127.0.0.1:5000/x"));
    CHECK(d.command == Words{"/scratch/job.sh"});
    CHECK(d.args == Words{"container", "4"});
    CHECK(job.executable == "job.sh");
    CHECK(job.id == d.name);
    CHECK(job.user == "tester@pool");
    CHECK(job.global_id.starts_with("ap@pool#" + job.id));
    CHECK(job.sends_stdout);
    CHECK(job.sends_stderr);
    CHECK_FALSE(job.joined);
    CHECK(job.outputs == Words{"out.txt"});
    CHECK(job.when == WhenOutput::on_exit);
    CHECK(job.kill_signal == SIGTERM);
    CHECK_FALSE(job.vacate_time);
    CHECK_FALSE(job.description.image_is_input);
    CHECK(d.request == typical().resources);

    std::map<std::string, std::string> env = d.env;
    CHECK(env["FOO"] == "bar");
    CHECK(env["WITH_SPACE"] == "a b");
    CHECK(env["SITE"] == "here");
    CHECK(env["OMP_NUM_THREADS"] == "2");
    CHECK(env["JULIA_NUM_THREADS"] == "2");
    CHECK(env["BATCH_SYSTEM"] == "HTCondor");
    CHECK(env["_CONDOR_SCRATCH_DIR"] == "/scratch");
    CHECK(env["_CONDOR_JOB_IWD"] == "/scratch");
    CHECK(env["_CONDOR_JOB_AD"] == "/scratch/.job.ad");
    CHECK(env["_CONDOR_MACHINE_AD"] == "/scratch/.machine.ad");
    CHECK(env["_CONDOR_SLOT"] == "slot1_3");
    CHECK(env["TMPDIR"] == "/tmp");
    CHECK(env["HOME"] == "/scratch");
  }
}

TEST_CASE("the other captured jobs", "[slot][job_ad]") {
  for (const std::string release : {"23.9.6/", "25.14.1/"}) {
    INFO(release);
    const auto captured = [&](const std::string& name) {
      return test::golden_ad(release + "job-" + name + ".ad");
    };
    const CondorJob targetdir = read(captured("targetdir"));
    CHECK(targetdir.description.scratch == "/srv");
    CHECK(targetdir.description.command == Words{"/srv/job.sh"});
    CHECK(targetdir.description.env.at("_CONDOR_JOB_AD") == "/srv/.job.ad");

    // No executable: the image's ENTRYPOINT and CMD.
    const CondorJob noexec = read(captured("noexec"));
    CHECK(noexec.description.command.empty());
    CHECK(noexec.description.args.empty());
    CHECK(noexec.executable.empty());
    CHECK_FALSE(noexec.outputs);

    const CondorJob installed = read(captured("noexectransfer"));
    CHECK(installed.description.command == Words{"/bin/echo"});
    CHECK(installed.description.args == Words{"notransfer", "0"});
    CHECK(installed.executable.empty());

    CHECK(held(captured("sif"))
              .starts_with("6 this execute node cannot run a job with an image in a SIF"));
    CHECK(held(captured("dir")).starts_with("35 image image: an image among the input files"));
    JobSetting setting = typical();
    setting.input_images = true;
    const CondorJob folder = read(captured("dir"), setting);
    CHECK(folder.description.image == "image");
    CHECK(folder.description.image_is_input);

    CHECK(held(captured("vanilla")) ==
          "35 image \"\": the job names none, and this node has no default (image-unsupported)");
    setting.default_image = "/images/base";
    const CondorJob vanilla = read(captured("vanilla"), setting);
    CHECK(vanilla.description.image == "/images/base");
    CHECK_FALSE(vanilla.description.image_is_input);
  }
}

TEST_CASE("images by attribute", "[slot][job_ad]") {
  JobSetting folders = typical();
  folders.directory_images = true;
  const auto image = [&](const Words& lines, const JobSetting& setting) {
    Ad ad = changed({});
    ad.erase("ContainerImage");
    ad.erase("ContainerImageSource");
    for (const std::string& line : lines) REQUIRE(add_line(ad, line));
    const auto job = read_job(ad, setting);
    return job ? job->description.image : job.error().text;
  };
  CHECK(image({"DockerImage = \"debian:12\""}, typical()) == "docker://debian:12");
  CHECK(image({"SingularityImage = \"docker://debian:12\""}, typical()) == "docker://debian:12");
  CHECK(image({"SingularityImage = \"/cvmfs/x/debian:12/\""}, folders) == "/cvmfs/x/debian:12");
  CHECK(image({"ContainerImage = \"/cvmfs/x\"", "ContainerImageSource = \"local\""}, folders) ==
        "/cvmfs/x");
  CHECK(image({"ContainerImage = \"/cvmfs/x\""}, typical()).starts_with("image /cvmfs/x: folders"));
  CHECK(image({"ContainerImage = \"/home/me/x\"", "ContainerImageSource = \"cedar\""}, folders)
            .starts_with("image /home/me/x: an image among"));
  CHECK(
      image({"ContainerImage = \"oras://r/x\""}, typical()).starts_with("image oras://r/x: only"));
  CHECK(image({"SingularityImage = \"/a/b.sif\""}, folders).starts_with("image /a/b.sif: SIF"));
  JobSetting inputs = typical();
  inputs.input_images = true;
  for (const char* name : {"a/..", "..", "a/."})
    CHECK(image({std::string("ContainerImage = \"") + name + "\""}, inputs).find("no name") !=
          std::string::npos);
}

TEST_CASE("commands and arguments", "[slot][job_ad]") {
  CHECK(read(changed({"Arguments = \"one 'two words' it''s ''\""})).description.args ==
        Words{"one", "two words", "its", ""});
  CHECK(read(changed({"Args = \"a 'b c'\""})).description.args == Words{"a", "'b", "c'"});
  CHECK(held(changed({"Arguments = \"'open\""})).starts_with("6 Arguments: a single quote"));

  const CondorJob relative =
      read(changed({"Cmd = \"bin/run\"", "PreserveRelativeExecutable = true"}));
  CHECK(relative.executable == "bin/run");
  CHECK(relative.description.command == Words{"/scratch/bin/run"});
  CHECK(read(changed({"Cmd = \"bin/run\""})).executable == "run");
  CHECK(read(changed({"Cmd = \"python3\"", "TransferExecutable = false"})).description.command ==
        Words{"python3"});
  for (const char* command : {"/", "/bin/", "..", "/a/.."})
    CHECK(held(changed({std::string("Cmd = \"") + command + "\""})) ==
          "6 Cmd names no file (job-invalid)");
  CHECK(
      held(changed({"Cmd = \"../x\"", "PreserveRelativeExecutable = true"})).starts_with("6 Cmd"));
  CHECK(held(changed({"ContainerTargetDir = \"a/b\""})).starts_with("6 container_target_dir"));
  CHECK(held(changed({"ContainerTargetDir = \"/a/../b\""})).starts_with("6 container_target_dir"));
}

TEST_CASE("environments", "[slot][job_ad]") {
  std::map<std::string, std::string> env =
      read(changed({"Environment = \"A=1 OMP_NUM_THREADS=7 TMPDIR=/x E= Q='a ''b'' c' HOME=/h\""}))
          .description.env;
  CHECK(env["A"] == "1");
  CHECK(env["E"].empty());
  CHECK(env["Q"] == "a 'b' c");
  CHECK(env["OMP_NUM_THREADS"] == "7");
  CHECK(env["MKL_NUM_THREADS"] == "2");
  CHECK(env["TMPDIR"] == "/tmp");
  CHECK(env["HOME"] == "/h");
  CHECK(env["FOO"] == "operator");

  Ad old = changed({"Env = \"A=1;B=two words;;C=x=y\""});
  old.erase("Environment");
  env = read(old).description.env;
  CHECK(env["B"] == "two words");
  CHECK(env["C"] == "x=y");
  REQUIRE(add_line(old, "EnvDelim = \"|\""));
  CHECK(read(old).description.env.at("A") == "1;B=two words;;C=x=y");

  CHECK(held(changed({"Environment = \"A=1 novalue\""})) ==
        "6 Environment: not of the form NAME=VALUE: novalue (job-invalid)");
  CHECK(held(changed({"Environment = \"=x\""})).starts_with("6 Environment: not of the form"));
  CHECK(split_environment("")->empty());
  CHECK(split_old_arguments("  a\tb  ") == Words{"a", "b"});
  CHECK(split_arguments("a'b'c").value() == Words{"abc"});
}

TEST_CASE("files, signals and times", "[slot][job_ad]") {
  const CondorJob job =
      read(changed({"Out = \"/dev/null\"", "Err = \"all.txt\"", "TransferOutput = \"a, dir/b,c d\"",
                    "PreserveRelativePaths = true", "WhenToTransferOutput = \"on_exit_or_evict\"",
                    "JobSuccessExitCode = 3", "KillSig = \"SIGUSR1\"", "RemoveKillSig = 2",
                    "JobMaxVacateTime = 90", "DockerSendCredentials = true",
                    "ShadowVersion = \"$CondorVersion: 25.14.1 2026-10-16 $\""}));
  CHECK_FALSE(job.sends_stdout);
  CHECK(job.sends_stderr);
  CHECK(job.outputs == Words{"a", "dir/b", "c d"});
  CHECK(job.preserve_relative_paths);
  CHECK(job.when == WhenOutput::on_exit_or_evict);
  CHECK(job.description.success_exit_code == 3);
  CHECK_FALSE(read(changed({})).description.success_exit_code);
  CHECK(read(changed({"WhenToTransferOutput = \"ON_SUCCESS\""})).description.success_exit_code ==
        0);
  CHECK(job.kill_signal == SIGUSR1);
  CHECK(job.remove_signal == SIGINT);
  CHECK(job.hold_signal == SIGUSR1);
  CHECK(job.vacate_time == std::chrono::seconds(90));
  CHECK(job.sends_login);
  CHECK_FALSE(read(changed({"ContainerImage = \"/images/x\"", "DockerSendCredentials = true"}),
                   [] {
                     JobSetting setting = typical();
                     setting.directory_images = true;
                     return setting;
                   }())
                  .sends_login);

  CHECK(read(changed({"Out = \"x\"", "Err = \"x\""})).joined);
  CHECK_FALSE(read(changed({"TransferOut = false"})).sends_stdout);
  CHECK(read(changed({"TransferOutput = \"\""})).outputs == Words{});
  CHECK(read(changed({"WhenToTransferOutput = \"ON_SUCCESS\""})).when == WhenOutput::on_success);
  CHECK(read(changed({"KillSig = \"quit\""})).kill_signal == SIGQUIT);
  CHECK(read(changed({"KillSig = 4711"})).kill_signal == SIGTERM);
  CHECK(read(changed({"KillSig = \"SIGNONE\""})).kill_signal == SIGTERM);
}

TEST_CASE("what cannot be done is not matched, and held if it comes all the same",
          "[slot][job_ad]") {
  const std::pair<const char*, const char*> table[] = {
      {"JobUniverse = 10", "6 "},
      {"JobUniverse = 11", "6 "},
      {"WantDocker = true", "6 "},
      {"InteractiveJob = true", "6 "},
      {"In = \"data.txt\"", "6 "},
      {"StreamOut = true", "6 "},
      {"StreamErr = true", "6 "},
      {"x509userproxy = \"/tmp/x\"", "6 "},
      {"OAuthServicesNeeded = \"box\"", "6 "},
      {"SendCredential = true", "6 "},
      {"OutputDestination = \"s3://b\"", "6 "},
      {"TransferPlugins = \"x=y\"", "6 "},
      {"TransferInputRemaps = \"a=b\"", "6 "},
      {"WantFTOnCheckpoint = true", "6 "},
      {"SuccessCheckpointExitCode = 85", "6 "},
      {"EncryptExecuteDirectory = true", "6 "},
      {"ContainerServiceNames = \"web\"", "6 "},
      {"DeferralTime = 1", "6 "},
      {"WantIOProxy = true", "6 "},
      {"PreCmd = \"x\"", "6 "},
  };
  Ad slot;
  REQUIRE(slot.set_checked_expression("Start", runnable_expression(typical())));
  CHECK(slot.value("Start") == "true");
  CHECK(matches(slot, changed({}), "Start"));
  for (const auto& [line, code] : table) {
    INFO(line);
    const Ad job = changed({line});
    CHECK_FALSE(matches(slot, job, "Start"));
    CHECK(held(job).starts_with(code));
    CHECK(held(job).ends_with("(job-invalid)"));
  }
  // These need a look at every name.
  CHECK(held(changed({"TransferInput = \"in.txt, https://x/y\""})) ==
        "13 input from a URL: https://x/y (job-invalid)");
  CHECK(held(changed({"TransferOutputRemaps = \"a=b;c=osdf:///d\""}))
            .starts_with("12 output to a URL"));
  CHECK(held(changed({"ShouldTransferFiles = \"NO\""})).starts_with("6 the job wants a shared"));
}

TEST_CASE("requests are evaluated with the slot", "[slot][job_ad]") {
  Ad slot;
  slot.set("Memory", 8192);
  const Ad job =
      changed({"RequestCpus = 1 + 1", "RequestMemory = ifThenElse(TARGET.Memory > 4096, 512.5, 1)",
               "RequestDisk = DiskUsage", "DiskUsage = 10"});
  const auto wanted = requested_resources(job, slot);
  REQUIRE(wanted);
  CHECK(*wanted == Resources{.cpus = 2, .memory = 513ULL << 20, .disk = 10ULL << 10});
  for (const char* line : {"RequestCpus = undefined", "RequestCpus = 0", "RequestMemory = -1",
                           "RequestMemory = 1e300", "RequestDisk = \"x\"", "RequestCpus = 1e9"}) {
    INFO(line);
    const auto refused = requested_resources(changed({line}), slot);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::invalid);
  }
}
