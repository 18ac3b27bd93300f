// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over files that are there already, so that every build on every compiler
// replays the corpus, and over mutants of them, the same ones every time:
// replay [--mutants COUNT] FILE|FOLDER...
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fs = std::filesystem;

namespace {

using Input = std::vector<std::uint8_t>;

bool load(const fs::path& file, std::vector<Input>& inputs) {
  std::ifstream in(file, std::ios::binary);
  inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  if (in) return true;
  std::fprintf(stderr, "cannot read %s\n", file.c_str());
  return false;
}

bool load_all(const char* path, std::vector<Input>& inputs) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return load(path, inputs);
  std::vector<fs::path> files;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file(error)) files.push_back(it->path());
  std::ranges::sort(files);
  return std::ranges::all_of(files, [&](const fs::path& file) { return load(file, inputs); });
}

void run(const Input& input) {
  // An exact heap copy: the sanitizers then see a read past its end.
  const Input exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

// Bytes changed, removed, doubled, or the tail of another input.
Input mutant(const std::vector<Input>& inputs, std::mt19937& random) {
  const auto below = [&random](std::size_t limit) { return limit ? random() % limit : 0; };
  Input out = inputs[below(inputs.size())];
  for (std::size_t changes = 1 + below(8); changes > 0; --changes) {
    const auto at = static_cast<std::ptrdiff_t>(below(out.size() + 1));
    const auto count = static_cast<std::ptrdiff_t>(
        std::min<std::size_t>(below(16), out.size() - static_cast<std::size_t>(at)));
    const Input& other = inputs[below(inputs.size())];
    switch (below(5)) {
      case 0:
        out.erase(out.begin() + at, out.begin() + at + count);
        break;
      case 1: {
        const Input piece(out.begin() + at, out.begin() + at + count);
        out.insert(out.begin() + at, piece.begin(), piece.end());
        break;
      }
      case 2:
        out.resize(static_cast<std::size_t>(at));
        out.insert(out.end(), other.begin() + static_cast<std::ptrdiff_t>(below(other.size())),
                   other.end());
        break;
      default:
        if (at < std::ssize(out))
          out[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random());
    }
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t mutants = 0;
  std::vector<Input> inputs;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--mutants" && i + 1 < argc)
      mutants = std::strtoull(argv[++i], nullptr, 10);
    else if (!load_all(argv[i], inputs))
      return 1;
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "no inputs: a target without a corpus tests nothing\n");
    return 1;
  }
  for (const Input& input : inputs) run(input);
  std::mt19937 random(1);
  for (std::size_t i = 0; i < mutants; ++i) run(mutant(inputs, random));
  std::printf("%zu inputs replayed, and %zu mutants\n", inputs.size(), mutants);
  return 0;
}
