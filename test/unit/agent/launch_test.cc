// SPDX-License-Identifier: Apache-2.0
#include "agent/job/launch.h"

#include "test/catch.h"

using namespace podpilot::agent;

TEST_CASE("what names the job's folder follows it to another place", "[agent][launch]") {
  JobDescription job;
  job.scratch = "/scratch";
  job.command = {"/scratch/work.sh", "/scratch/argument"};
  job.args = {"/scratch/in"};
  job.env = {{"HOME", "/scratch"},
             {"AD", "/scratch/.job.ad"},
             {"TEXT", "see /scratch/x"},
             {"OTHER", "/scratchy"}};
  job.workdir = "/scratch/sub";
  move_scratch(job, "/pod/scratch/7/files");
  CHECK(job.scratch == "/pod/scratch/7/files");
  CHECK(job.command ==
        std::vector<std::string>{"/pod/scratch/7/files/work.sh", "/scratch/argument"});
  CHECK(job.args == std::vector<std::string>{"/scratch/in"});
  CHECK(job.env.at("HOME") == "/pod/scratch/7/files");
  CHECK(job.env.at("AD") == "/pod/scratch/7/files/.job.ad");
  CHECK(job.env.at("TEXT") == "see /scratch/x");
  CHECK(job.env.at("OTHER") == "/scratchy");
  CHECK(job.workdir == "/pod/scratch/7/files/sub");
}
