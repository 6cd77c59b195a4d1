// The fields of one name, looked for in a message that comes in pieces.  Holds no more than their bounds
// allow, whatever comes.  Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::rfc5322 {

class NamedFields {
 public:
  struct Bounds {
    std::size_t octets;  // of a field with its name and line ends
    std::size_t fields;  // whose values are kept
  };

  // `name` stays where it is.
  NamedFields(std::string_view name, Bounds bounds) : name_{name}, bounds_{bounds} {}

  // The next octets of the message; what comes after its header is not looked at.
  void feed(std::string_view piece);

  // The message has come, or its header has.
  void end();

  // Then: how many fields there are, and the unfolded values of the first of them; empty for one that is
  // longer than the bound.
  std::size_t count() const { return count_; }
  const std::vector<std::string>& values() const { return values_; }

 private:
  void begin_line(char first);
  void keep(std::string_view part);
  void end_field();

  std::string_view name_;
  Bounds bounds_;
  std::string field_;  // the one that comes, as long as it may be one of them
  bool may_be_one_ = false;
  bool at_line_start_ = true;
  bool ended_ = false;
  std::size_t count_ = 0;
  std::vector<std::string> values_;
};

}  // namespace mailroom::rfc5322
