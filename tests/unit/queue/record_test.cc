#include "spool/queue/record.h"

#include <catch2/catch.hpp>

#include "libcommon/ipc/codec.h"
#include "libcommon/tls/digest.h"
#include "spool/queue/segment_scan.h"

using namespace mailroom::queue;

namespace {

constexpr Seed kSeed{1, 2, 3};

class StringSource : public ByteSource {
 public:
  explicit StringSource(std::string bytes) : bytes_{std::move(bytes)} {}
  std::string_view read(std::uint64_t offset, std::size_t length) override {
    return offset >= bytes_.size() ? std::string_view{} : std::string_view{bytes_}.substr(offset, length);
  }

 private:
  std::string bytes_;
};

// A segment, record by record.
class Builder {
 public:
  Builder() : bytes_{encode_segment_header({1, kSeed})} {}

  // Returns where the record begins.
  std::uint64_t add(Id id, const Record& record, std::string_view content = {}) {
    const std::uint64_t begin = bytes_.size();
    const RecordHeader header = encode_record(bytes_, kSeed, begin, id, record, content.size());
    bytes_ += content;
    bytes_ += padding_after(header);
    return begin;
  }
  std::uint64_t message(Id id, std::string_view content) {
    return add(id, Accepted{.content_length = content.size(), .envelope = {.reverse_path = "a@b"}}, content);
  }
  std::uint64_t commit() { return add(0, Commit{}); }

  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

struct Found {
  std::vector<Id> ids;
  std::vector<DamagedRange> damaged;
  std::uint64_t end = 0;
};

Found scan(const std::string& bytes) {
  Found found;
  StringSource source{bytes};
  found.end = scan_segment(source, kSeed, bytes.size(), [&](ScannedBatch&& batch) {
    for (const auto& record : batch.records) found.ids.push_back(record.header.id);
    found.damaged.insert(found.damaged.end(), batch.damaged.begin(), batch.damaged.end());
    return true;
  });
  return found;
}

}  // namespace

TEST_CASE("queue ids have one printable form") {
  CHECK(id_text(0) == "0");
  CHECK(id_text(31) == "z");
  CHECK(id_text(32) == "10");
  CHECK(id_text(UINT64_MAX).size() == kMaxIdText);
  for (const Id id : {Id{1}, Id{1} << 59, UINT64_MAX, Id{1'800'000'000} << 20})
    CHECK(parse_id(id_text(id)) == id);
  for (const char* wrong : {"", "01", "i", "A", "1.", "zzzzzzzzzzzzz", "10000000000000"})
    CHECK_FALSE(parse_id(wrong));
}

TEST_CASE("ids begin above all that may have been given out") {
  CHECK(first_id(5, 0) == 6);
  CHECK(first_id(5, 10'000'000) == Id{10} << 20);
  CHECK(first_id(Id{11} << 20, 10'000'000) == (Id{11} << 20) + 1);
  // A start that follows another within a millisecond begins above what was given out meanwhile.
  CHECK(first_id(0, 10'001'000) > first_id(0, 10'000'000) + 1'000);
  CHECK(first_id(0, 10'999'999) < first_id(0, 11'000'000));
}

TEST_CASE("a segment header is read back, and nothing else is one") {
  const std::string bytes = encode_segment_header({42, kSeed});
  REQUIRE(bytes.size() == kSegmentHeaderSize);
  CHECK(decode_segment_header(bytes)->number == 42);
  CHECK(decode_segment_header(bytes)->seed == kSeed);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string wrong = bytes;
    wrong[i] ^= 1;
    CHECK_FALSE(decode_segment_header(wrong));
  }
  CHECK_FALSE(decode_segment_header(bytes.substr(1)));
}

TEST_CASE("segments of the layouts 2 to 4 are read, and those of another are known for what they are") {
  const auto with_layout = [](char layout) {
    std::string bytes = encode_segment_header({42, kSeed}).substr(0, kSegmentHeaderSize - 8);
    bytes[7] = layout;
    const auto digest = mailroom::sha256(bytes);
    return bytes.append(reinterpret_cast<const char*>(digest.data()), 8);
  };
  for (const char layout : {'2', '3', '4'}) {
    REQUIRE(decode_segment_header(with_layout(layout)));
    CHECK_FALSE(is_of_another_version(with_layout(layout)));
  }
  for (const char layout : {'1', '5'}) {
    CHECK_FALSE(decode_segment_header(with_layout(layout)));
    CHECK(is_of_another_version(with_layout(layout)));
  }
}

TEST_CASE("a record is read back at its place, and any changed octet of it is found") {
  Builder builder;
  Accepted accepted{.arrived = 5, .content_length = 3, .content_in_file = true};
  accepted.envelope.recipients = {{"r@example.edu", "rfc822;r", 3, ""}};
  accepted.envelope.targets = {{0, 1000}};
  accepted.envelope.tls = mailroom::routing::SenderTls::optional;
  accepted.envelope.device = "copier-3";
  accepted.envelope.stranger = {{.bytes = {1, 2, 3}, .port = 25}, "helo.example.net"};
  accepted.envelope.looping = {1};
  accepted.progress = {{{2, 77}}, true, true, {1}, {{.target = 2, .text = "no such directory"}}, "by hand"};
  const std::uint64_t at = builder.add(9, accepted);

  StringSource source{builder.bytes()};
  const auto found = scan_record(source, kSeed, at);
  REQUIRE(found);
  CHECK(found->header.id == 9);
  const auto& read = std::get<Accepted>(found->record);
  CHECK(read.envelope == accepted.envelope);
  CHECK(read.progress == accepted.progress);
  CHECK_FALSE(scan_record(source, Seed{}, at));

  StringSource moved{builder.bytes().substr(0, at) + std::string(8, '\0') + builder.bytes().substr(at)};
  CHECK_FALSE(scan_record(moved, kSeed, at + 8));

  for (std::size_t i = at; i < at + found->header.content_offset(); ++i) {
    std::string wrong = builder.bytes();
    wrong[i] ^= 0x10;
    StringSource changed{wrong};
    CHECK_FALSE(scan_record(changed, kSeed, at));
  }
}

TEST_CASE("a message of layout 2 is read as one without a device, of nobody whom SPF is asked about") {
  using mailroom::routing::SenderTls;
  const bool requiretls = GENERATE(false, true);
  AcceptedOfLayout2 old{.arrived = 5, .content_length = 3, .content_in_file = true};
  old.envelope = {.connection = 17,
                  .submitter = "anna",
                  .reverse_path = "anna@example.edu",
                  .envid = "QQ",
                  .body = 1,
                  .ret = 2,
                  .smtputf8 = true,
                  .requiretls = requiretls,
                  .recipients = {{"r@example.org", "rfc822;r", 3, "example.org"}},
                  .targets = {{0, 0}}};
  old.progress.parts = {{2, 77}};
  Builder builder;
  const std::uint64_t at = builder.add(9, old);
  StringSource source{builder.bytes()};
  const auto found = scan_record(source, kSeed, at);
  REQUIRE(found);
  const auto& read = std::get<Accepted>(found->record);
  CHECK(read.arrived == 5);
  CHECK(read.content_in_file);
  CHECK(read.envelope == Envelope{.connection = 17,
                                  .submitter = "anna",
                                  .reverse_path = "anna@example.edu",
                                  .envid = "QQ",
                                  .body = 1,
                                  .ret = 2,
                                  .smtputf8 = true,
                                  .tls = requiretls ? SenderTls::required : SenderTls::unspecified,
                                  .device = {},
                                  .stranger = {},
                                  .recipients = {{"r@example.org", "rfc822;r", 3, "example.org"}},
                                  .targets = {{0, 0}},
                                  .looping = {}});
  CHECK(read.progress == old.progress);
}

TEST_CASE("a message of layout 3 is read as one of nobody whom SPF is asked about") {
  using mailroom::routing::SenderTls;
  AcceptedOfLayout3 old{.arrived = 5, .content_length = 3, .content_in_file = true};
  old.envelope = {.connection = 17,
                  .submitter = "copier-3",
                  .reverse_path = "scan@example.edu",
                  .envid = "QQ",
                  .body = 1,
                  .ret = 2,
                  .smtputf8 = true,
                  .tls = SenderTls::optional,
                  .device = "copier-3",
                  .recipients = {{"r@example.org", "rfc822;r", 3, "example.org"}},
                  .targets = {{0, 0}}};
  old.progress.parts = {{2, 77}};
  Builder builder;
  const std::uint64_t at = builder.add(9, old);
  StringSource source{builder.bytes()};
  const auto found = scan_record(source, kSeed, at);
  REQUIRE(found);
  const auto& read = std::get<Accepted>(found->record);
  CHECK(read.content_length == 3);
  CHECK(read.envelope == Envelope{.connection = 17,
                                  .submitter = "copier-3",
                                  .reverse_path = "scan@example.edu",
                                  .envid = "QQ",
                                  .body = 1,
                                  .ret = 2,
                                  .smtputf8 = true,
                                  .tls = SenderTls::optional,
                                  .device = "copier-3",
                                  .stranger = {},
                                  .recipients = {{"r@example.org", "rfc822;r", 3, "example.org"}},
                                  .targets = {{0, 0}},
                                  .looping = {}});
  CHECK(read.progress == old.progress);
}

TEST_CASE("what is owed is read back as it was written, and nothing else is") {
  const Owed owed{{{Success::relayed,
                    {.target = 2,
                     .code = 250,
                     .enhanced = "2.0.0",
                     .text = "taken",
                     .host = "mx.example.org",
                     .address = "192.0.2.1",
                     .time = 77}},
                   {Success::delivered, {.target = 1}}}};
  Builder builder;
  const std::uint64_t at = builder.add(9, owed);
  StringSource source{builder.bytes()};
  const auto found = scan_record(source, kSeed, at);
  REQUIRE(found);
  CHECK(std::get<Owed>(found->record).reports == owed.reports);

  // The record begins with its kind, the count, and the first report's kind of success.
  std::string meta = mailroom::ipc::encode(Record{owed});
  constexpr std::size_t kSuccess = 1 + 4;
  REQUIRE(meta[kSuccess] == 1);
  meta[kSuccess] = 2;
  const std::uint64_t wrong = builder.bytes().size();
  encode_record_of_meta(builder.bytes(), kSeed, wrong, 9, meta);
  StringSource with_wrong{builder.bytes()};
  CHECK_FALSE(scan_record(with_wrong, kSeed, wrong));
}

TEST_CASE("records count when their batch is committed") {
  Builder builder;
  builder.message(1, "one");
  builder.message(2, "two");
  builder.commit();
  const std::uint64_t end = builder.bytes().size();
  builder.message(3, "three");
  const Found found = scan(builder.bytes());
  CHECK(found.ids == std::vector<Id>{1, 2});
  CHECK(found.damaged.empty());
  CHECK(found.end == end);
}

TEST_CASE("a segment cut at any octet gives back whole batches and no damage") {
  Builder builder;
  std::vector<std::uint64_t> ends{kSegmentHeaderSize};
  for (Id id = 1; id <= 4; ++id) {
    builder.message(id, std::string(id * 13, 'x'));
    builder.commit();
    ends.push_back(builder.bytes().size());
  }
  for (std::size_t size = kSegmentHeaderSize; size <= builder.bytes().size(); ++size) {
    const Found found = scan(builder.bytes().substr(0, size));
    CHECK(found.damaged.empty());
    CHECK(found.end == *std::prev(std::ranges::upper_bound(ends, size)));
    CHECK(found.ids.size() ==
          static_cast<std::size_t>(std::ranges::upper_bound(ends, size) - ends.begin()) - 1);
  }
}

TEST_CASE("a damaged record before a commit is reported, and what follows it is not given up") {
  Builder builder;
  builder.message(1, "one");
  const std::uint64_t second = builder.message(2, "two");
  const std::uint64_t third = builder.message(3, "three");
  const std::uint64_t commit = builder.commit();
  builder.message(4, "four");
  builder.commit();
  const std::size_t end = builder.bytes().size();

  SECTION("in its header") { builder.bytes()[second + 5] ^= 1; }
  SECTION("in its meta") { builder.bytes()[second + kRecordHeaderSize + 2] ^= 1; }
  Found found = scan(builder.bytes());
  CHECK(found.ids == std::vector<Id>{1, 3, 4});
  CHECK(found.damaged == std::vector<DamagedRange>{{second, third - second}});
  CHECK(found.end == end);

  builder.bytes()[commit + 1] ^= 1;  // the batch is then committed by the next one's commit
  found = scan(builder.bytes());
  CHECK(found.ids == std::vector<Id>{1, 3, 4});
  CHECK(found.damaged.size() == 2);
}

TEST_CASE("records inside a message are never taken for records") {
  Builder hostile;  // knows the format, and even where its bytes will be, but not the seed
  Builder builder;
  const std::uint64_t damaged = builder.message(1, "one");
  std::string inner;
  for (std::uint64_t at = 0; at < 4096; at += 8) {
    std::string forged;
    encode_record(forged, Seed{}, builder.bytes().size() + inner.size(), 99, Finished{}, 0);
    inner += forged;
  }
  builder.message(2, inner);
  builder.commit();
  builder.bytes()[builder.bytes().find("MRQR", damaged + 4) + 4] ^= 1;  // the record before the forged ones
  builder.bytes()[damaged + 4] ^= 1;
  const Found found = scan(builder.bytes());
  CHECK(found.ids.empty());
  CHECK(found.damaged.size() == 1);
  CHECK(found.end == builder.bytes().size());
}

TEST_CASE("segment files have names") {
  CHECK(segment_file_name(0x2a) == "segment-0000002a");
  CHECK(parse_segment_file_name("segment-0000002a") == 0x2a);
  for (const char* wrong :
       {"segment-", "segment-0000002A", "segment-0000002a0", "content", "Segment-0000002a"})
    CHECK_FALSE(parse_segment_file_name(wrong));
}
