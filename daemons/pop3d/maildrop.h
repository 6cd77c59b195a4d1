// What a POP3 session knows of its mail: a list that stays as it was at login, and its messages' octets.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::pop3d {

struct MaildropMessage {
  std::uint64_t octets = 0;
  std::string uidl;  // RFC 1939 section 7
};

enum class MaildropFault : std::uint8_t {
  in_use,     // another session has it
  temporary,  // may work later
  permanent,  // an operator has to look
  gone,       // the message has been removed by another session meanwhile
};

class Maildrop {
 public:
  virtual ~Maildrop() = default;

  // Takes the exclusive lock and the list; once, before everything else.
  [[nodiscard]] virtual std::expected<void, MaildropFault> open() = 0;

  // Message number i + 1 is at i.
  [[nodiscard]] virtual const std::vector<MaildropMessage>& messages() const = 0;

  // Valid until the next call.
  [[nodiscard]] virtual std::expected<std::string_view, MaildropFault> content(std::size_t index) = 0;

  // All of them, durably, or an error; those that are gone already are passed over.
  [[nodiscard]] virtual std::expected<void, MaildropFault>
  remove(const std::vector<std::size_t>& indexes) = 0;
};

}  // namespace mailroom::pop3d
