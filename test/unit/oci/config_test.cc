// SPDX-License-Identifier: Apache-2.0
#include "oci/config.h"

#include "test/catch.h"

namespace podpilot::oci {
namespace {

const std::string kRootfs =
    R"("rootfs":{"type":"layers","diff_ids":["sha256:)" + std::string(64, 'd') + "\"]}";

TEST_CASE("an image's config is read", "[oci][config]") {
  const auto config = parse_config(
      R"({"os":"linux","architecture":"arm64","variant":"v8","created":"x","history":[{}],
          "config":{"Env":["PATH=/bin","EMPTY="],"Entrypoint":["/e","-x"],"Cmd":["c"],
                    "WorkingDir":"/w","User":"1000:100","StopSignal":"SIGQUIT",
                    "Labels":{"a":"b"},"Volumes":{"/v":{}},"ExposedPorts":{"80/tcp":{}}},)" +
          kRootfs + "}",
      1);
  REQUIRE(config);
  CHECK(config->platform == Platform{"linux", "arm64", "v8"});
  CHECK(config->env == std::vector<std::string>{"PATH=/bin", "EMPTY="});
  CHECK(config->entrypoint == std::vector<std::string>{"/e", "-x"});
  CHECK(config->cmd == std::vector<std::string>{"c"});
  CHECK(config->working_dir == "/w");
  CHECK(config->user == "1000:100");
  CHECK(config->stop_signal == "SIGQUIT");
  REQUIRE(config->diff_ids.size() == 1);
  CHECK(config->diff_ids[0].hex() == std::string(64, 'd'));
}

TEST_CASE("absent and null members are empty", "[oci][config]") {
  for (const char* process :
       {"", R"("config":null,)", R"("config":{},)",
        R"("config":{"Env":null,"Cmd":null,"Entrypoint":null,"User":null,"WorkingDir":null},)"}) {
    const auto config = parse_config("{" + std::string(process) + kRootfs + "}", 1);
    REQUIRE(config);
    CHECK(config->env.empty());
    CHECK(config->cmd.empty());
    CHECK(config->user.empty());
    CHECK(config->platform.os.empty());
  }
  const auto empty = parse_config(R"({"rootfs":{"type":"layers","diff_ids":null}})", 0);
  REQUIRE(empty);
  CHECK(empty->diff_ids.empty());
}

TEST_CASE("a config of wrong types or counts is refused", "[oci][config]") {
  struct Row {
    std::string text;
    std::size_t layers;
    Fault fault;
    std::string reason;
  };
  const Row rows[] = {
      {"", 0, Fault::invalid, "not JSON"},
      {"null", 0, Fault::invalid, "must be an object"},
      {"{}", 0, Fault::invalid, "rootfs: is missing"},
      {R"({"rootfs":{"type":"plan9"}})", 0, Fault::unsupported, "rootfs.type"},
      {R"({"rootfs":{"type":"layers","diff_ids":["sha256:x"]}})", 1, Fault::invalid,
       "rootfs.diff_ids[0]"},
      {"{" + kRootfs + "}", 2, Fault::corrupt, "1 entries for 2 layers"},
      {"{" + kRootfs + "}", 0, Fault::corrupt, "1 entries for 0 layers"},
      {R"({"config":[],)" + kRootfs + "}", 1, Fault::invalid, "config"},
      {R"({"config":{"Env":"A=b"},)" + kRootfs + "}", 1, Fault::invalid, "config.Env"},
      {R"({"config":{"Cmd":["a",1]},)" + kRootfs + "}", 1, Fault::invalid, "config.Cmd[1]"},
      {R"({"config":{"User":1000},)" + kRootfs + "}", 1, Fault::invalid, "config.User"},
      {R"({"config":{"Cmd":["a\u0000b"]},)" + kRootfs + "}", 1, Fault::invalid, "config.Cmd[0]"},
      {R"({"config":{"User":"a\u0000b"},)" + kRootfs + "}", 1, Fault::invalid, "NUL"},
      {R"({"os":7,)" + kRootfs + "}", 1, Fault::invalid, "os: must be a string"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text, row.layers);
    const auto config = parse_config(row.text, row.layers);
    REQUIRE_FALSE(config);
    CHECK(config.error().fault == row.fault);
    INFO(config.error().text);
    CHECK(config.error().text.contains(row.reason));
  }
}

}  // namespace
}  // namespace podpilot::oci
