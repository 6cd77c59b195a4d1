#include "libcommon/protocol/rfc5322/address.h"

#include <algorithm>
#include <utility>

#include "libcommon/protocol/rfc5322/lexer.h"

namespace mailroom::rfc5322 {
namespace {

// Words and dots, of which only what follows tells whether they are a display name or a local part.
struct Words {
  std::string phrase;      // with one space where there was white space
  std::string local_part;  // without
  bool any = false;

  void add(std::string_view word, bool after_space) {
    if (any && after_space) phrase += ' ';
    phrase += word;
    local_part += word;
    any = true;
  }
};

class AddressParser {
 public:
  explicit AddressParser(std::string_view value) : lexer_{value} {}

  AddressList parse() && {
    while (!lexer_.at_end()) step();
    finish_element();
    if (in_group_) list_.well_formed = false;
    end_group();
    if (lexer_.saw_unterminated()) list_.well_formed = false;
    return std::move(list_);
  }

 private:
  void step();
  void take_word();
  void take_angle_address();
  std::string take_route();
  std::string take_domain();
  void take_addr_spec_token(Address& address);
  void set_address(Address address);
  void start_group();
  void finish_element();
  void end_group();

  Lexer lexer_;
  AddressList list_;
  Words words_;
  std::optional<Address> address_;  // of the element at hand
  bool space_ = false;
  bool in_group_ = false;
};

void AddressParser::step() {
  if (lexer_.skip_cfws()) {
    space_ = true;
  } else if (lexer_.take(',')) {
    finish_element();
  } else if (lexer_.take(';')) {
    finish_element();
    if (!in_group_) list_.well_formed = false;
    end_group();
  } else if (lexer_.take(':')) {
    start_group();
  } else if (lexer_.take('<')) {
    take_angle_address();
  } else if (lexer_.take('@')) {
    if (!words_.any) list_.well_formed = false;
    auto local_part = std::exchange(words_, {}).local_part;
    set_address({AddressKind::mailbox, {}, {}, std::move(local_part), take_domain()});
  } else {
    take_word();
  }
}

void AddressParser::take_word() {
  if (address_) list_.well_formed = false;  // words after the address
  const bool after_space = std::exchange(space_, false);
  if (lexer_.next_is('"')) {
    words_.add(lexer_.take_quoted_string(), after_space);
  } else if (lexer_.take('.')) {
    words_.add(".", after_space);
  } else if (const auto atom = lexer_.take_while(is_atom_octet); !atom.empty()) {
    words_.add(atom, after_space);
  } else {
    list_.well_formed = false;  // a special where none may be
    lexer_.skip();
  }
}

// After '<'.  Reads up to '>', or to where the next element must begin if there is none.
void AddressParser::take_angle_address() {
  Address address;
  if (auto phrase = std::exchange(words_, {}); phrase.any) address.name = std::move(phrase.phrase);
  lexer_.skip_cfws();
  if (lexer_.next_is('@')) address.route = take_route();
  while (!lexer_.at_end() && !lexer_.next_is('>') && !lexer_.next_is(',') && !lexer_.next_is(';')) {
    if (!lexer_.skip_cfws()) take_addr_spec_token(address);
  }
  if (!lexer_.take('>')) list_.well_formed = false;
  set_address(std::move(address));
}

// The next word, dot or "@domain" of an addr-spec.
void AddressParser::take_addr_spec_token(Address& address) {
  if (lexer_.take('@')) {
    if (!address.host.empty()) list_.well_formed = false;
    address.host = take_domain();
  } else if (lexer_.next_is('"')) {
    address.mailbox += lexer_.take_quoted_string();
  } else if (lexer_.take('.')) {
    address.mailbox += '.';
  } else if (const auto atom = lexer_.take_while(is_atom_octet); !atom.empty()) {
    if (!address.host.empty()) list_.well_formed = false;
    address.mailbox += atom;
  } else {
    list_.well_formed = false;
    lexer_.skip();
  }
}

// obs-route: "@a,@b:", its colon taken but not returned.
std::string AddressParser::take_route() {
  std::string route;
  while (!lexer_.at_end() && !lexer_.next_is('>')) {
    if (lexer_.skip_cfws()) continue;
    if (lexer_.take(':')) return route;
    if (lexer_.take('@')) {
      route += '@';
      route += take_domain();
    } else if (lexer_.take(',')) {
      if (!route.empty() && !route.ends_with(',')) route += ',';
    } else {
      break;
    }
  }
  list_.well_formed = false;
  return route;
}

std::string AddressParser::take_domain() {
  std::string domain;
  for (;;) {
    lexer_.skip_cfws();
    if (domain.empty() && lexer_.next_is('[')) return lexer_.take_domain_literal();
    if (!domain.empty() && domain.back() != '.' && !lexer_.next_is('.')) return domain;
    if (lexer_.take('.')) {
      domain += '.';
    } else if (const auto atom = lexer_.take_while(is_atom_octet); !atom.empty()) {
      domain += atom;
    } else {
      list_.well_formed = false;
      return domain;
    }
  }
}

void AddressParser::set_address(Address address) {
  if (address.mailbox.empty() || address.host.empty()) list_.well_formed = false;
  if (address_) {  // a comma is missing
    list_.well_formed = false;
    finish_element();
  }
  address_ = std::move(address);
}

void AddressParser::start_group() {
  if (in_group_ || address_ || !words_.any) {
    list_.well_formed = false;
    return;
  }
  list_.addresses.push_back({AddressKind::group_start, {}, {}, std::exchange(words_, {}).phrase, {}});
  lexer_.take_comment();
  in_group_ = true;
}

void AddressParser::finish_element() {
  auto words = std::exchange(words_, {});
  auto address = std::exchange(address_, std::nullopt);
  auto comment = lexer_.take_comment();
  space_ = false;
  if (!address && !words.any) return;
  if (!address) {
    list_.well_formed = false;
    address = Address{AddressKind::mailbox, {}, {}, std::move(words.phrase), {}};
  }
  if (!address->name) address->name = std::move(comment);
  list_.addresses.push_back(std::move(*address));
}

void AddressParser::end_group() {
  if (!in_group_) return;
  list_.addresses.push_back({AddressKind::group_end, {}, {}, {}, {}});
  in_group_ = false;
}

bool is_dot_atom(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != text.npos) return false;
  return std::ranges::all_of(text, [](char c) { return c == '.' || (is_atom_octet(c) && !is_control(c)); });
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

AddressList parse_address_list(std::string_view value) { return AddressParser(value).parse(); }

std::string address_text(const Address& address) {
  std::string text = is_dot_atom(address.mailbox) ? address.mailbox : quote(address.mailbox);
  if (address.host.empty()) return text;
  text += '@';
  return text + address.host;
}

}  // namespace mailroom::rfc5322
