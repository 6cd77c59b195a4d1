#include "libcommon/dns/message.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "libcommon/dns/limits.h"
#include "libcommon/dns/name.h"
#include "libcommon/text/ascii.h"

namespace mailroom::dns {
namespace {

constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kTypeSoa = 6;
constexpr int kNoError = 0, kNameError = 3;  // RFC 1035 4.1.1 RCODE

struct Malformed {
  const char* what;
};

// Reads numbers and names in order; what reaches over the end throws Malformed.
class Reader {
 public:
  Reader(std::string_view message, std::size_t at, std::size_t end) : message_{message}, at_{at}, end_{end} {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(take(1)[0]); }
  std::uint16_t u16() {
    const std::string_view octets = take(2);
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>(octets[0]) << 8 |
                                      static_cast<std::uint8_t>(octets[1]));
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string name() {
    auto name = read_name(message_, at_);
    if (!name || name->end > end_) throw Malformed{"a malformed name"};
    at_ = name->end;
    return std::move(name->text);
  }
  std::string_view take(std::size_t size) {
    if (size > end_ - at_) throw Malformed{"it ends too early"};
    at_ += size;
    return message_.substr(at_ - size, size);
  }
  std::string_view rest() { return take(end_ - at_); }
  bool at_end() const { return at_ == end_; }
  std::size_t at() const { return at_; }

 private:
  std::string_view message_;
  std::size_t at_, end_;
};

struct Record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::size_t data = 0, end = 0;
};

Record read_record(Reader& reader) {
  Record record;
  record.owner = reader.name();
  record.type = reader.u16();
  const std::uint16_t record_class = reader.u16();
  record.ttl = reader.u32();
  if (record.ttl > INT32_MAX) record.ttl = 0;  // RFC 2181 8
  const std::size_t size = reader.u16();
  record.data = reader.at();
  reader.take(size);
  record.end = reader.at();
  if (record_class != kClassIn) record.type = 0;  // of no interest
  return record;
}

std::vector<Record> read_records(Reader& reader, std::size_t count) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < count; ++i) records.push_back(read_record(reader));
  return records;
}

void check_question(Reader& reader, std::size_t count, const Question& question) {
  if (count != 1) throw Malformed{"not one question"};
  const bool same_name = reader.name() == question.name;
  const bool same_type = reader.u16() == static_cast<std::uint16_t>(question.type);
  if (!same_name || !same_type || reader.u16() != kClassIn) throw Malformed{"an answer to another question"};
}

// How one record's data becomes part of an Answer; false for a record that says nothing usable.
bool add_address(Answer& answer, Reader& data, Type type) {
  IpAddress address;
  if (type == Type::a) {
    address.bytes[10] = address.bytes[11] = 0xff;  // ::ffff:a.b.c.d
    std::ranges::copy(data.take(4), address.bytes.begin() + 12);
  } else {
    std::ranges::copy(data.take(16), address.bytes.begin());
  }
  answer.addresses.push_back(address);
  return true;
}

bool add_mx(Answer& answer, Reader& data) {
  Mx mx;
  mx.preference = data.u16();
  mx.exchange = data.name();
  if (!mx.exchange.empty() && !is_domain_name(mx.exchange)) return false;
  answer.mx.push_back(std::move(mx));
  return true;
}

bool add_name(Answer& answer, Reader& data) {
  std::string name = data.name();
  if (!is_domain_name(name)) return false;
  answer.names.push_back(std::move(name));
  return true;
}

bool add_text(Answer& answer, Reader& data) {
  std::string text;
  do text += data.take(data.u8());
  while (!data.at_end());
  if (text.size() > kMaxText) return false;
  answer.texts.push_back(std::move(text));
  return true;
}

bool add_tlsa(Answer& answer, Reader& data) {
  Tlsa tlsa;
  tlsa.usage = data.u8();
  tlsa.selector = data.u8();
  tlsa.matching = data.u8();
  tlsa.data = data.rest();
  if (tlsa.data.size() > kMaxTlsaData) throw Malformed{"a TLSA record beyond bounds"};
  answer.tlsa.push_back(std::move(tlsa));
  return true;
}

bool add_record(Answer& answer, Reader& data, Type type) {
  switch (type) {
  case Type::a:
  case Type::aaaa:
    return add_address(answer, data, type);
  case Type::mx:
    return add_mx(answer, data);
  case Type::cname:
  case Type::ptr:
    return add_name(answer, data);
  case Type::txt:
    return add_text(answer, data);
  case Type::tlsa:
    return add_tlsa(answer, data);
  }
  return false;
}

std::size_t most_of(Type type) {
  switch (type) {
  case Type::mx:
    return kMaxMessage;  // cut after sorting
  case Type::ptr:
    return kMaxNames;
  case Type::txt:
    return kMaxTexts;
  case Type::tlsa:
    return kMaxTlsa;
  default:
    return kMaxAddresses;
  }
}

class AnswerReader {
 public:
  AnswerReader(std::string_view message, const Question& question) : message_{message}, question_{question} {}

  Answer read() {
    Reader reader{message_, 0, message_.size()};
    reader.take(3);
    const int code = reader.u8() & 0xf;
    const std::size_t questions = reader.u16(), answers = reader.u16(), authorities = reader.u16();
    reader.u16();
    if (code != kNoError && code != kNameError) throw Malformed{"an error code"};
    check_question(reader, questions, question_);
    const std::vector<Record> records = read_records(reader, answers);
    answer_.ttl = kMaxTtl;
    follow_aliases(records);
    collect(records);
    if (answer_.outcome == Outcome::answer) return std::move(answer_);
    answer_.outcome = code == kNameError ? Outcome::no_domain : Outcome::no_data;
    bound_by_soa(read_records(reader, authorities));
    return std::move(answer_);
  }

 private:
  Reader data_of(const Record& record) const { return {message_, record.data, record.end}; }
  void bound_ttl(std::uint32_t ttl) { answer_.ttl = std::min(answer_.ttl, ttl); }

  void follow_aliases(const std::vector<Record>& records) {
    answer_.canonical_name = question_.name;
    if (question_.type == Type::cname) return;
    for (std::size_t aliases = 0; aliases <= kMaxAliases; ++aliases) {
      const auto alias = std::ranges::find_if(records, [&](const Record& record) {
        return record.type == static_cast<std::uint16_t>(Type::cname) &&
               record.owner == answer_.canonical_name;
      });
      if (alias == records.end()) return;
      answer_.canonical_name = data_of(*alias).name();
      bound_ttl(alias->ttl);
      if (!is_domain_name(answer_.canonical_name)) throw Malformed{"an alias to what is no host name"};
    }
    throw Malformed{"too many aliases"};
  }

  void collect(const std::vector<Record>& records) {
    std::size_t seen = 0, taken = 0;
    for (const Record& record : records) {
      if (record.type != static_cast<std::uint16_t>(question_.type) || record.owner != answer_.canonical_name)
        continue;
      if (++seen > most_of(question_.type)) throw Malformed{"more records than are taken"};
      bound_ttl(record.ttl);
      Reader data = data_of(record);
      if (!add_record(answer_, data, question_.type)) continue;
      if (!data.at_end()) throw Malformed{"a record with octets left over"};
      ++taken;
    }
    const bool names_hosts = question_.type == Type::mx || question_.type == Type::ptr;
    if (seen > 0 && taken == 0 && names_hosts) throw Malformed{"no record with a host name"};
    if (seen > 0) answer_.outcome = Outcome::answer;
    std::ranges::stable_sort(answer_.mx, {}, &Mx::preference);
    if (answer_.mx.size() > kMaxMx) answer_.mx.resize(kMaxMx);
  }

  // How long "there is none" holds (RFC 2308 5); without an SOA it is not kept.
  void bound_by_soa(const std::vector<Record>& authorities) {
    const auto soa = std::ranges::find(authorities, kTypeSoa, &Record::type);
    if (soa == authorities.end()) {
      answer_.ttl = 0;
      return;
    }
    Reader data = data_of(*soa);
    data.name();
    data.name();
    for (int i = 0; i < 4; ++i) data.u32();  // serial, refresh, retry, expire
    bound_ttl(std::min(soa->ttl, data.u32()));
  }

  std::string_view message_;
  const Question& question_;
  Answer answer_;
};

}  // namespace

std::expected<Answer, std::string> read_answer(std::string_view message, const Question& question) {
  try {
    return AnswerReader{message, question}.read();
  } catch (const Malformed& malformed) {
    return std::unexpected(malformed.what);
  }
}

}  // namespace mailroom::dns
