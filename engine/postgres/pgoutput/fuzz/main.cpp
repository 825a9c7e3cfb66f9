#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "engine/postgres/pgoutput/testing/exercise.h"
#include "engine/postgres/pgoutput/testing/wire.h"

// engine_postgres_pgoutput_fuzz [FILE ...]              what a fuzzer found or begins with; standard input without FILE
// engine_postgres_pgoutput_fuzz --runs N [--seed S]     mutates messages that it brings along
// engine_postgres_pgoutput_fuzz --corpus DIRECTORY      writes those messages as files to begin with
//
// A file is a sequence of messages, each with its length in front (16 bits, big-endian); a last one that is cut off is
// as long as it is. Ends with 1, or by a signal, where the assembler has a fault; what it refuses is none.
namespace {

namespace wire = tributary::postgres::pgoutput::wire;

std::string joined(const std::vector<std::string>& messages) {
  std::string file;
  for (const std::string& message : messages) file += wire::int16(message.size()) + message;
  return file;
}

std::vector<std::string> parted(std::string_view file) {
  std::vector<std::string> messages;
  while (file.size() >= 2) {
    const auto high = static_cast<unsigned char>(file[0]);
    const auto low = static_cast<unsigned char>(file[1]);
    messages.emplace_back(file.substr(2, high * 256U + low));
    file.remove_prefix(2 + messages.back().size());
  }
  return messages;
}

bool passes(const std::vector<std::string>& messages, const std::string& directory) {
  const wire::Exercise seen = wire::exercise(messages, directory);
  if (seen.broken) std::cerr << "after " << seen.taken << " messages: " << *seen.broken << "\n";
  return !seen.broken;
}

int run_files(const std::vector<std::string>& names, const std::string& directory) {
  bool good = true;
  for (const std::string& name : names) {
    std::ifstream file(name, std::ios::binary);
    good = passes(parted(std::string(std::istreambuf_iterator<char>(file), {})), directory) && good;
  }
  if (names.empty()) good = passes(parted(std::string(std::istreambuf_iterator<char>(std::cin), {})), directory);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_mutations(std::uint64_t runs, std::uint64_t seed, const std::string& directory) {
  std::mt19937_64 random(seed);
  std::uint64_t refused = 0;
  for (std::uint64_t run = 0; run < runs; ++run) {
    std::vector<std::string> messages = wire::conversation();
    wire::mutate(messages, random);
    const wire::Exercise seen = wire::exercise(messages, directory);
    refused += seen.refused ? 1 : 0;
    if (!seen.broken) continue;
    std::cerr << "seed " << seed << ", run " << run << ": " << *seen.broken << "\n";
    return EXIT_FAILURE;
  }
  std::cout << runs << " runs with seed " << seed << ": " << refused << " refused\n";
  return EXIT_SUCCESS;
}

int write_corpus(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "conversation", std::ios::binary) << joined(wire::conversation());
  int number = 0;
  for (const wire::Sample& sample : wire::samples()) {
    std::ofstream(directory / ("sample-" + std::to_string(++number)), std::ios::binary) << joined({sample.bytes});
  }
  return EXIT_SUCCESS;
}

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value).ptr == end && !text.empty()) return value;
  std::cerr << "not a number: " << text << "\n";
  std::exit(EXIT_FAILURE);
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> files;
  std::map<std::string, std::string> options{{"--runs", ""}, {"--seed", "1"}, {"--corpus", ""}};
  for (int at = 1; at < count; ++at) {
    const auto option = options.find(arguments[at]);
    if (option == options.end()) {
      files.emplace_back(arguments[at]);
    } else if (++at < count) {
      option->second = arguments[at];
    }
  }
  const std::string directory = std::filesystem::temp_directory_path();
  if (!options["--corpus"].empty()) return write_corpus(options["--corpus"]);
  if (!options["--runs"].empty()) return run_mutations(number(options["--runs"]), number(options["--seed"]), directory);
  return run_files(files, directory);
}
