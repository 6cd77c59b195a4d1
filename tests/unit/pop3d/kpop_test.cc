#include "daemons/pop3d/kpop.h"

#include <catch2/catch.hpp>

using namespace mailroom;
using namespace std::string_literals;

namespace {

const std::string kVersions = "\0\0\0\x13KRB5_SENDAUTH_V1.0\0\0\0\0\x09KPOPV1.0\0"s;

class Octets : public Stream {
 public:
  explicit Octets(std::string input) : octets_{std::move(input)}, input_{octets_} {}
  std::size_t read(std::span<char> into) override {
    largest_read = std::max(largest_read, into.size());
    const std::size_t count = input_.copy(into.data(), into.size());
    input_.remove_prefix(count);
    return count;
  }
  void write(std::string_view bytes) override { output += bytes; }
  void set_deadline(std::chrono::steady_clock::time_point) override {}
  std::string output;
  std::size_t largest_read = 0;

 private:
  std::string octets_;
  std::string_view input_;
};

class OneTicket : public Authenticator {
 public:
  std::vector<std::string> mechanisms() const override { return {}; }
  AuthStep start(std::string_view mechanism, std::optional<std::string_view> initial_response) override {
    CHECK(mechanism == "kpop");
    ++asked;
    if (initial_response == "ticket") return AuthChallenge{reply};
    return AuthFailure{AuthFailure::Kind::bad_credentials, error};
  }
  AuthStep respond(std::string_view) override { return AuthFailure{}; }
  void cancel() override {}
  std::string reply;
  std::string error;
  int asked = 0;
};

bool take(Octets& stream, OneTicket& authenticator) {
  try {
    return pop3d::take_ticket(stream, authenticator, std::chrono::seconds{1});
  } catch (const StreamError&) {
    return false;
  }
}

}  // namespace

TEST_CASE("a good ticket is answered, with what it asks for") {
  OneTicket authenticator;
  Octets alone{kVersions + "\0\0\0\6ticket"s};
  CHECK(take(alone, authenticator));
  CHECK(alone.output == "\0\0\0\0\0"s);
  authenticator.reply = "rep";
  Octets mutual{kVersions + "\0\0\0\6ticket"s};
  CHECK(take(mutual, authenticator));
  CHECK(mutual.output == "\0\0\0\0\0\0\0\0\3rep"s);
}

TEST_CASE("a message that is cut short at any octet, or a bad ticket, is none") {
  const std::string whole = kVersions + "\0\0\0\6ticket"s;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    OneTicket authenticator;
    Octets stream{whole.substr(0, size)};
    CHECK_FALSE(take(stream, authenticator));
    CHECK(authenticator.asked == 0);
  }
  OneTicket authenticator;
  Octets bad{kVersions + "\0\0\0\6tocket"s};
  CHECK_FALSE(take(bad, authenticator));
  CHECK(bad.output == "\0"s);
  authenticator.error = "why";
  Octets told{kVersions + "\0\0\0\6tocket"s};
  CHECK_FALSE(take(told, authenticator));
  CHECK(told.output == "\0\0\0\0\3why"s);
}

TEST_CASE("versions that are not known are answered by their octets") {
  OneTicket authenticator;
  Octets sendauth{"\0\0\0\x13KRB5_SENDAUTH_V9.9\0"s};
  CHECK_FALSE(take(sendauth, authenticator));
  CHECK(sendauth.output == "\1");
  Octets application{"\0\0\0\x13KRB5_SENDAUTH_V1.0\0\0\0\0\x09KPOPV0.1\0"s};
  CHECK_FALSE(take(application, authenticator));
  CHECK(application.output == "\2");
  CHECK(authenticator.asked == 0);
}

TEST_CASE("a length that is no ticket's takes no memory") {
  for (const std::string& length : {"\xff\xff\xff\xff"s, "\x7f\xff\xff\xff"s, "\0\0\x30\1"s}) {
    OneTicket authenticator;
    Octets ticket{kVersions + length + std::string(64, 'x')};
    CHECK_FALSE(take(ticket, authenticator));
    CHECK(ticket.largest_read <= 64);
    Octets first{length + std::string(64, 'x')};
    CHECK_FALSE(take(first, authenticator));
    CHECK(first.largest_read <= 64);
    CHECK(authenticator.asked == 0);
  }
}
