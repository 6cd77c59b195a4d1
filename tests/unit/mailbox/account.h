// A throw-away account directory for the tests, and what deliverd does in it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "spool/mailbox/checksum.h"
#include "spool/mailbox/mailbox.h"

namespace mailroom::mailbox {

class Account {
 public:
  // In memory if possible: what is tested here does not depend on a disk, and syncing one takes long.
  explicit Account(std::string below = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")
      : path_{std::move(below) + "/mr-mailbox-XXXXXX"} {
    REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ~Account() { std::filesystem::remove_all(path_); }
  Account(const Account&) = delete;

  const std::string& path() const { return path_; }

  Options options() const {
    return {
        .path = path_,
        .summarise = [](std::string_view message) { return "summary of " + std::to_string(message.size()); },
        .map_size = std::uint64_t{1} << 30};
  }

  Mailbox open() const {
    auto mailbox = Mailbox::open(options());
    INFO((mailbox ? std::string{} : mailbox.error().text));
    REQUIRE(mailbox.has_value());
    return std::move(*mailbox);
  }

  static FileName name_of(const std::string& id, const std::string& content) {
    return {id, content.size(), checksum(content)};
  }

  // As deliverd does it; gives the file's name.
  std::string deliver(const std::string& id, const std::string& content) const {
    const std::string name = format_file_name(name_of(id, content));
    put("new/." + id, content);
    std::filesystem::rename(path_ + "/new/." + id, path_ + "/new/" + name);
    return name;
  }

  void put(const std::string& file, const std::string& content) const {
    std::filesystem::create_directories(path_ + "/new");
    std::ofstream(path_ + "/" + file, std::ios::binary) << content;
  }

  std::string get(const std::string& file) const {
    std::ifstream in{path_ + "/" + file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  bool has(const std::string& file) const { return std::filesystem::exists(path_ + "/" + file); }

  std::size_t files_in(const std::string& directory) const {
    const auto entries = std::filesystem::directory_iterator(path_ + "/" + directory);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }

 private:
  std::string path_;
};

template <typename T>
T ok(Result<T> result) {
  INFO((result ? std::string{} : result.error().text));
  REQUIRE(result.has_value());
  return std::move(*result);
}
inline void ok(Result<void> result) {
  INFO((result ? std::string{} : result.error().text));
  REQUIRE(result.has_value());
}

template <typename T>
Failure::Code failure(const Result<T>& result) {
  REQUIRE(!result.has_value());
  return result.error().code;
}

inline Uid append(Mailbox& mailbox, FolderId folder, const std::string& content, Flags flags = 0,
                  std::vector<std::string> keywords = {}) {
  auto staged = ok(mailbox.stage());
  ok(staged.write(content));
  std::vector<NewMessage> messages;
  messages.push_back(
      {.staged = std::move(staged), .flags = flags, .keywords = std::move(keywords), .internal_date = 1});
  return ok(mailbox.append(folder, std::move(messages))).uids.at(0);
}

}  // namespace mailroom::mailbox
