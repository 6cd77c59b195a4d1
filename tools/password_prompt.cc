#include "tools/password_prompt.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>

namespace mailroom {
namespace {

// The terminal without echo, for the life of this object.
class NoEcho {
 public:
  NoEcho() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::cerr << '\n';
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
};

std::expected<std::string, std::string> ask(const char* question) {
  const NoEcho quiet;  // before the question, at which somebody may type at once
  std::cerr << question;
  return read_password_line();
}

}  // namespace

std::expected<std::string, std::string> read_password_line() {
  std::string line;
  if (!std::getline(std::cin, line)) return std::unexpected("no password on standard input");
  return line;
}

std::expected<std::string, std::string> ask_for_password() {
  if (::isatty(STDIN_FILENO) == 0) return std::unexpected("no terminal: give --password-stdin");
  auto first = ask("Password: ");
  if (!first) return first;
  const auto second = ask("Again: ");
  if (!second || *second != *first) return std::unexpected("the passwords differ");
  return first;
}

}  // namespace mailroom
