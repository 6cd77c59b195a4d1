// What the primitives are made of: system calls in the process that was taken over, and what the attacker
// knows of the system around it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/breach/tracee.h"

namespace breach {

// What an attacker may well know: places outside the process's root directory, uids and pids of others.
struct Surroundings {
  std::vector<std::string> files;        // that the process has no business with, absolute
  std::vector<std::string> directories;  // likewise
  std::string account;                   // of some account, below spool/mail
  std::string message;                   // a file of it, below spool/mail
  std::uint64_t account_uid = 0;
  std::uint64_t daemon_uid = 0;  // of another daemon
  std::uint64_t supervisor = 0;  // pid
};

// A descriptor of the process, as /proc shows it.
struct Descriptor {
  int number = -1;
  std::string name;  // "socket:[17]", "/path", "/memfd:launch (deleted)"
  bool is_network = false;
};

class Attacker {
 public:
  Attacker(Tracee& tracee, const Surroundings& surroundings);

  const Surroundings& around() const { return around_; }

  // Makes the call, unless its filter says that it ends the process: then that is noted, and the result is
  // -EKEYREJECTED.
  long call(long number, Arguments arguments = {});
  // As call(), of another architecture's system calls: by the filter alone; 0 if it would be allowed.
  long call_as(std::uint32_t architecture, long number);
  bool succeeds(long number, Arguments arguments = {}) { return call(number, arguments) >= 0; }
  // Whether a call that makes a descriptor succeeds; it is closed again.
  bool opens(long number, Arguments arguments = {});

  // Puts octets into the process's memory, and says where.  All of it is forgotten with forget_data().
  std::uint64_t data(std::string_view bytes);
  std::uint64_t text(const std::string& words) { return data({words.c_str(), words.size() + 1}); }
  template <typename T>
  std::uint64_t object(const T& value) {
    return data({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void forget_data() { used_ = 0; }

  const std::vector<Descriptor>& descriptors() const { return descriptors_; }
  std::vector<int> sockets() const;
  std::vector<int> network_sockets() const;  // the others are channels, on which a stray octet is an offence
  std::vector<int> memory_files() const;

  // In a copy of the process where it can make one; false otherwise.  What is noted in the copy counts.
  bool in_copy(const std::function<bool(Attacker&)>& act);

  // Whether a call was asked for that ends the process.
  bool was_ended() const { return ended_; }
  void begin_anew() { ended_ = false; }

 private:
  Tracee& tracee_;
  const Surroundings& around_;
  std::vector<Descriptor> descriptors_;
  std::size_t used_ = 0;
  bool ended_ = false;
};

}  // namespace breach
