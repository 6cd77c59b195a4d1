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

// What has been read since the last comma.
struct Element {
  Words words;
  std::optional<Address> address;
  bool in_brackets = false;  // <address>: a comment beside it is no name
};

class AddressParser {
 public:
  AddressParser(std::string_view value, std::size_t limit) : lexer_{value}, limit_{limit} {}

  AddressList parse() && {
    while (!lexer_.at_end() && list_.addresses.size() < limit_) step();
    if (list_.addresses.size() < limit_) finish_element();
    if (in_group_ || !lexer_.at_end()) list_.well_formed = false;
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
  enum class Form { bare, in_brackets };
  void set_address(Address address, Form form);
  void start_group();
  void finish_element();
  void end_group();

  Lexer lexer_;
  std::size_t limit_;
  AddressList list_;
  Element element_;
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
    if (!element_.words.any) list_.well_formed = false;
    auto local_part = std::exchange(element_.words, {}).local_part;
    set_address({AddressKind::mailbox, {}, {}, std::move(local_part), take_domain()}, Form::bare);
  } else {
    take_word();
  }
}

void AddressParser::take_word() {
  if (element_.address) list_.well_formed = false;  // words after the address
  const bool after_space = std::exchange(space_, false);
  if (lexer_.next_is('"')) {
    element_.words.add(lexer_.take_quoted_string(), after_space);
  } else if (lexer_.take('.')) {
    element_.words.add(".", after_space);
  } else if (const auto atom = lexer_.take_while(is_atom_octet); !atom.empty()) {
    element_.words.add(atom, after_space);
  } else {
    list_.well_formed = false;  // a special where none may be
    lexer_.skip();
  }
}

// After '<'.  Reads up to '>', or to where the next element must begin if there is none.
void AddressParser::take_angle_address() {
  Address address;
  if (auto phrase = std::exchange(element_.words, {}); phrase.any) address.name = std::move(phrase.phrase);
  lexer_.skip_cfws();
  if (lexer_.next_is('@')) address.route = take_route();
  while (!lexer_.at_end() && !lexer_.next_is('>') && !lexer_.next_is(',') && !lexer_.next_is(';')) {
    if (!lexer_.skip_cfws()) take_addr_spec_token(address);
  }
  if (!lexer_.take('>')) list_.well_formed = false;
  set_address(std::move(address), Form::in_brackets);
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

void AddressParser::set_address(Address address, Form form) {
  if (address.mailbox.empty() || address.host.empty()) list_.well_formed = false;
  if (element_.address) {  // a comma is missing
    list_.well_formed = false;
    finish_element();
  }
  element_.address = std::move(address);
  element_.in_brackets = form == Form::in_brackets;
}

void AddressParser::start_group() {
  if (in_group_ || element_.address || !element_.words.any) {
    list_.well_formed = false;
    element_.words = {};
    return;
  }
  list_.addresses.push_back({AddressKind::group_start, {}, {}, std::exchange(element_.words, {}).phrase, {}});
  lexer_.take_comment();
  in_group_ = true;
}

void AddressParser::finish_element() {
  Element element = std::exchange(element_, {});
  auto comment = lexer_.take_comment();
  space_ = false;
  if (!element.address && !element.words.any) return;
  if (!element.address) {
    list_.well_formed = false;
    element.address = Address{AddressKind::mailbox, {}, {}, std::move(element.words.phrase), {}};
  }
  if (!element.in_brackets) element.address->name = std::move(comment);
  list_.addresses.push_back(std::move(*element.address));
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

AddressList parse_address_list(std::string_view value, std::size_t limit) {
  return AddressParser(value, limit).parse();
}

std::string address_text(const Address& address) {
  std::string text = is_dot_atom(address.mailbox) ? address.mailbox : quote(address.mailbox);
  if (address.host.empty()) return text;
  text += '@';
  return text + address.host;
}

}  // namespace mailroom::rfc5322
