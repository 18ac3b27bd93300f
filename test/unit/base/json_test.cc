// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/json.h"

#include <nlohmann/json.hpp>

#include "test/catch.h"

using namespace podpilot;

namespace {

std::string problem(std::string_view text) {
  const auto parsed = parse_json(text);
  if (parsed) return "";
  CHECK(parsed.error().fault == Fault::invalid);
  return parsed.error().text;
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("a fault in JSON is given by line and column", "[base][json]") {
  CHECK(problem("{\n  \"a\": 1,\n  \"b\" 2\n}").starts_with("not JSON at line 3 column 7"));
  CHECK(problem("").starts_with("not JSON at line 1 column"));
  CHECK(problem("{} {}").starts_with("not JSON at line 1"));
  CHECK(problem("nan").starts_with("not JSON"));
  CHECK(problem("1e999").starts_with("not JSON"));
  CHECK(problem("\"\xff\"").starts_with("not JSON"));
  CHECK(problem("\"\x01\"").find('\x01') == std::string::npos);
}

TEST_CASE("nesting is refused beyond its limit, long before the stack ends", "[base][json]") {
  CHECK(problem(nested(32)) == "");
  CHECK(problem(nested(33)) == "nested deeper than 32 levels");
  CHECK(problem(std::string(1'000'000, '[')) == "nested deeper than 32 levels");
  CHECK(parse_json("[[]]", 2));
  CHECK_FALSE(parse_json("[[[]]]", 2));
}

TEST_CASE("a key that stands twice is refused", "[base][json]") {
  CHECK(problem(R"({"a": 1, "b": {"a": 1}})") == "");
  CHECK(problem(R"([{"a": 1}, {"a": 1}])") == "");
  CHECK(problem(R"({"a": 1, "a": 1})") == R"("a" stands twice in one object)");
  CHECK(problem(R"({"a": {"x": 1}, "\u0061": 2})") == R"("a" stands twice in one object)");
  CHECK(problem("{\"\\n\": 1, \"\\n\": 1}") == R"("\x0a" stands twice in one object)");
}

TEST_CASE("members are read by type and errors name the place", "[base][json]") {
  const Json json = parse_json(R"({"s": "x", "n": -5, "t": true, "l": ["a", "b"], "m": {"k": "v"},
      "none": null, "big": 18446744073709551615, "real": 1.0, "mixed": ["a", 1],
      "wrong": {"k": 1}})")
                        .value();
  JsonObject object = JsonObject::of(json, "job").value();
  CHECK(object.string("s").value() == "x");
  CHECK(object.integer("n").value() == -5);
  CHECK(object.boolean("t").value() == true);
  CHECK(object.strings("l").value() == std::vector<std::string>{"a", "b"});
  CHECK(object.string_map("m").value().at("k") == "v");
  CHECK_FALSE(object.string("none").value());
  CHECK_FALSE(object.string("absent").value());
  CHECK(object.strings("absent").value().empty());
  CHECK(object.string("n").error().text == "job.n: must be a string");
  CHECK(object.integer("s").error().text == "job.s: must be a whole number");
  CHECK(object.integer("real").error().text == "job.real: must be a whole number");
  CHECK(object.integer("big").error().text == "job.big: must be a whole number below 2^63");
  CHECK(object.boolean("n").error().text == "job.n: must be true or false");
  CHECK(object.strings("s").error().text == "job.s: must be a list of strings");
  CHECK(object.strings("mixed").error().text == "job.mixed[1]: must be a string");
  CHECK(object.string_map("wrong").error().text == "job.wrong.k: must be a string");
  CHECK(object.required_string("absent").error().text == "job.absent: is missing");
  CHECK(object.required_integer("none").error().text == "job.none: is missing");
  CHECK(JsonObject::of(Json(3), "").error().text == "must be an object");
  CHECK(JsonObject::of(Json(3), "inputs[2]").error().text == "inputs[2]: must be an object");
}

TEST_CASE("a key nobody asked for is refused and the known ones are told", "[base][json]") {
  const Json json = parse_json("{\"image\": \"x\", \"im\\nage\": 1}").value();
  JsonObject object = JsonObject::of(json, "").value();
  CHECK(object.string("image"));
  CHECK(object.string("command"));
  CHECK(object.finish().error().text == "im\\x0aage: is not a known key; known are image, command");
  CHECK(object.member("im\nage") != nullptr);
  CHECK(object.finish());
}

TEST_CASE("quoting never fails, whatever the bytes", "[base][json]") {
  CHECK(json_quote("a\"b\n") == R"("a\"b\n")");
  CHECK(parse_json(json_quote("\xff\xfe")).value().get<std::string>() ==
        "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(parse_json(dump_json(Json{{"k", "\xff"}})));
}
