#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "spool/mailbox/checksum.h"
#include "spool/mailbox/file_name.h"
#include "spool/mailbox/folder_name.h"
#include "spool/mailbox/index.h"
#include "spool/mailbox/snapshot.h"
#include "spool/mailbox/uid_set.h"
#include "spool/mailbox/uidl.h"

using namespace mailroom::mailbox;

TEST_CASE("CRC-32C gives the values of RFC 3720 B.4, in any portions") {
  CHECK(checksum("") == 0);
  CHECK(checksum("123456789") == 0xE3069283);
  CHECK(checksum(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(checksum(std::string(32, '\xFF')) == 0x62A8AB43);
  std::string text(1000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  for (std::size_t cut : {0u, 1u, 7u, 8u, 9u, 500u, 999u}) {
    Checksum sum;
    sum.add(std::string_view{text}.substr(0, cut));
    sum.add(std::string_view{text}.substr(cut));
    CHECK(sum.value() == checksum(text));
  }
}

TEST_CASE("file names: format and parse are inverses") {
  for (const FileName& name :
       {FileName{"A1b2.1", 0, 0}, FileName{"x", UINT64_MAX, UINT32_MAX},
        FileName{"~0123456789abcdef", 42, 0xDEADBEEF}, FileName{std::string(kMaxIdLength, 'q'), 7, 1}}) {
    CHECK(parse_file_name(format_file_name(name)) == name);
  }
  CHECK(format_file_name({"q.1", 12, 0xAB}) == "q.1,S=12,C=000000ab");
}

TEST_CASE("what is not exactly a file name is none") {
  for (const char* name : {"",
                           ",",
                           "q.1",
                           "q.1,S=12",
                           "q.1,S=12,C=000000ab,",
                           "q.1,S=12,C=000000ab:2,S",
                           ".q,S=12,C=000000ab",
                           "q.1,S=012,C=000000ab",
                           "q.1,S=,C=000000ab",
                           "q.1,S=-1,C=000000ab",
                           "q.1,S=18446744073709551616,C=000000ab",
                           "q.1,S=12,C=000000AB",
                           "q.1,S=12,C=00000ab",
                           "q.1,S=12,C=0000000ab",
                           "q/1,S=12,C=000000ab",
                           "../x,S=12,C=000000ab",
                           ",S=12,C=000000ab",
                           "~0,S=12,C=000000ab",
                           "~0123456789ABCDEF,S=12,C=000000ab",
                           "q.1,C=000000ab,S=12",
                           "q 1,S=12,C=000000ab"}) {
    INFO(name);
    CHECK(!parse_file_name(name));
  }
  CHECK(!parse_file_name(std::string(kMaxIdLength + 1, 'q') + ",S=12,C=000000ab"));
}

TEST_CASE("folder names: what is kept, what is refused") {
  CHECK(canonical_folder_name("inbox") == "INBOX");
  CHECK(canonical_folder_name("InBox/Sub") == "INBOX/Sub");
  CHECK(canonical_folder_name("Inboxes") == "Inboxes");
  CHECK(canonical_folder_name("a/inbox") == "a/inbox");
  CHECK(canonical_folder_name("Entw\xC3\xBCrfe/\xE2\x98\x83/\xF0\x9F\x93\xA7") ==
        "Entw\xC3\xBCrfe/\xE2\x98\x83/\xF0\x9F\x93\xA7");
  CHECK(canonical_folder_name("..") == "..");  // a key, not a path
  for (const char* name : {"", "/", "/a", "a/", "a//b", "a\nb", "a\x7F", "\xC2\x85", "\xC0\xAF",
                           "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x80\xA8", "\xFF", "\xC3", "a*", "%b"}) {
    INFO(name);
    CHECK(!canonical_folder_name(name));
  }
  CHECK(!canonical_folder_name(std::string_view{"a\0b", 3}));
  CHECK(canonical_folder_name(std::string(kMaxFolderName, 'n')));
  CHECK(!canonical_folder_name(std::string(kMaxFolderName + 1, 'n')));
  std::string deep = "a";
  for (std::size_t i = 1; i < kMaxFolderDepth; ++i) deep += "/a";
  CHECK(canonical_folder_name(deep));
  CHECK(!canonical_folder_name(deep + "/a"));
  CHECK(parent_name("a/b/c") == "a/b");
  CHECK(parent_name("a").empty());
}

TEST_CASE("keywords are atoms") {
  for (const char* keyword : {"$Forwarded", "NonJunk", "a.b-c_d+e", "[x", "~"}) CHECK(is_keyword(keyword));
  for (const char* keyword : {"", "a b", "a(b", "\\Seen", "x\x1b[0m", "\xC3\xBC", "a]", "\"q\"", "5%", "*"})
    CHECK(!is_keyword(keyword));
  CHECK(!is_keyword(std::string(kMaxKeywordLength + 1, 'k')));
}

TEST_CASE("UID sets agree with std::set") {
  std::mt19937 random{1};
  UidSet set;
  std::set<Uid> model;
  for (int i = 0; i < 20000; ++i) {
    const Uid uid = 1 + random() % 30000;
    if (random() % 3) {
      CHECK(set.insert(uid) == model.insert(uid).second);
    } else {
      CHECK(set.erase(uid) == (model.erase(uid) == 1));
    }
  }
  REQUIRE(set.size() == model.size());
  CHECK(set.to_vector() == std::vector<Uid>(model.begin(), model.end()));
  std::uint32_t number = 0;
  for (const Uid uid : model) {
    ++number;
    REQUIRE(set.nth(number) == uid);
    REQUIRE(set.number_of(uid) == number);
  }
  for (Uid uid = 0; uid < 31000; uid += 13) {
    const auto after = model.lower_bound(uid);
    REQUIRE(set.at_or_after(uid) == (after == model.end() ? std::nullopt : std::optional<Uid>{*after}));
    REQUIRE(set.rank(uid) ==
            static_cast<std::uint32_t>(std::distance(model.begin(), model.upper_bound(uid))));
    REQUIRE(set.contains(uid) == model.contains(uid));
  }
  UidSet again;
  for (const auto& chunk : set.chunks()) REQUIRE(again.append_chunk(chunk.index, UidSet::bitmap_of(chunk)));
  CHECK(again == set);
}

TEST_CASE("UID sets: ranges, intersections, and what clients write") {
  const UidSet set{1, 2, 3, 7, 4095, 4096, 4097, 1000000, UINT32_MAX - 1};
  CHECK(set.ranges() ==
        std::vector<UidRange>{
            {1, 3}, {7, 7}, {4095, 4097}, {1000000, 1000000}, {UINT32_MAX - 1, UINT32_MAX - 1}});
  CHECK(set.intersection({2, 4096, 5}) == UidSet{2, 4096});
  CHECK(set.difference({1, 2, 3, 1000000, UINT32_MAX - 1}) == UidSet{7, 4095, 4096, 4097});
  CHECK(set.members_in({{1, UINT32_MAX}, {1, 1}, {3, 9}}) == set);
  CHECK(set.members_in({{4096, 999999}, {2, 3}, {3, 6}}) == UidSet{2, 3, 4096, 4097});
  CHECK(set.members_in({{64, 128}}).empty());
  CHECK(set.members_in({}).empty());
  std::vector<UidRange> hostile(100000, UidRange{1, UINT32_MAX});
  CHECK(set.members_in(std::move(hostile)) == set);
  UidSet ranged;
  ranged.insert(UidRange{4090, 4100});
  CHECK(ranged.size() == 11);
  ranged.insert(UidRange{4100, 4090});
  CHECK(ranged.size() == 11);
  ranged.insert(UidRange{UINT32_MAX - 1, UINT32_MAX});
  CHECK(ranged.last() == UINT32_MAX);
  CHECK(UidSet{}.nth(1) == std::nullopt);
  CHECK(UidSet{}.last() == std::nullopt);
}

TEST_CASE("UID sets: bad chunks are refused") {
  UidSet set;
  CHECK(!set.append_chunk(0, "short"));
  CHECK(set.append_chunk(3, std::string(UidSet::kChunkOctets, '\1')));
  CHECK(!set.append_chunk(3, std::string(UidSet::kChunkOctets, '\1')));
  CHECK(!set.append_chunk(2, std::string(UidSet::kChunkOctets, '\1')));
  CHECK(!set.append_chunk(UINT32_MAX, std::string(UidSet::kChunkOctets, '\1')));
  CHECK(set.append_chunk(4, std::string(UidSet::kChunkOctets, '\0')));
  CHECK(set.chunks().size() == 1);
}

TEST_CASE("members_in agrees with a plain search") {
  std::mt19937 random{2};
  for (int round = 0; round < 50; ++round) {
    UidSet set, expected;
    for (int i = 0; i < 500; ++i) set.insert(1 + random() % 9000);
    std::vector<UidRange> ranges;
    for (int i = 0; i < 5; ++i) {
      const Uid first = 1 + random() % 9000;
      ranges.push_back({first, first + static_cast<Uid>(random() % 700)});
    }
    set.for_each([&](Uid uid) {
      for (const auto& range : ranges)
        if (uid >= range.first && uid <= range.last) expected.insert(uid);
    });
    REQUIRE(set.members_in(ranges) == expected);
  }
}

TEST_CASE("a range goes in like each of its UIDs") {
  std::mt19937 random{3};
  for (int round = 0; round < 50; ++round) {
    UidSet set, expected;
    for (int i = 0; i < 12; ++i) {
      const Uid first = 1 + random() % 60000, last = first + random() % (i % 3 == 0 ? 20000 : 70);
      set.insert(UidRange{first, last});
      for (Uid uid = first; uid <= last; ++uid) expected.insert(uid);
    }
    REQUIRE(set == expected);
  }
}

TEST_CASE("a range below others costs no more than the chunks that it covers") {
  UidSet set{1'000'000'000};
  for (int i = 0; i < 100; ++i) set.insert(UidRange{1, 100'000'000});
  CHECK(set.size() == 100'000'001);
}

TEST_CASE("UIDLs that may be imported") {
  CHECK(format_uidl(17, 4) == "17.4");
  CHECK(is_importable_uidl("0000001a4f", 17));
  CHECK(is_importable_uidl("18.4", 17));
  CHECK(!is_importable_uidl("17.4", 17));
  CHECK(!is_importable_uidl("", 17));
  CHECK(!is_importable_uidl("a b", 17));
  CHECK(!is_importable_uidl("a\x80", 17));
  CHECK(!is_importable_uidl(std::string(71, 'a'), 17));
}

TEST_CASE("expunge records: what was written, and nothing else") {
  const UidSet uids{1, 2, 3, 9, 5000};
  UidSet read;
  decode_expunges(encode_expunges(uids), 5001, read);
  CHECK(read == uids);
  CHECK_THROWS_AS(decode_expunges(encode_expunges(uids), 5000, read), CorruptRow);
  CHECK_THROWS_AS(decode_expunges("junk", UINT32_MAX, read), CorruptRow);
  CHECK_THROWS_AS(decode_expunges(mailroom::ipc::encode(ExpungeRow{{1, UINT32_MAX}}), 9, read), CorruptRow);
  CHECK_THROWS_AS(decode_expunges(mailroom::ipc::encode(ExpungeRow{{1, 2, 3}}), 9, read), CorruptRow);
  CHECK_THROWS_AS(decode_expunges(mailroom::ipc::encode(ExpungeRow{{5, 2}}), 9, read), CorruptRow);
}

TEST_CASE("snapshots: read back whole, cut at any octet and with any octet changed") {
  SnapshotWriter writer;
  writer.add(SnapshotBegin{.last_uid_validity = 9, .written = 1, .next_folder = 2});
  writer.add(SnapshotFolder{FolderRow{.name = "INBOX", .keywords = {"a", "b"}}, 1});
  writer.add(SnapshotMessage{"q.1,S=1,C=00000000", "uidl", MessageRow{.flags = kSeen}, 1});
  writer.add(SnapshotTombstone{"q.2", 77});
  writer.finish();
  const std::string whole = writer.take();
  const auto read = [](std::string_view octets) {
    SnapshotReader reader{octets};
    std::size_t records = 0;
    while (reader.next()) ++records;
    return std::pair{records, reader.complete()};
  };
  CHECK(read(whole) == std::pair{std::size_t{4}, true});
  for (std::size_t cut = 0; cut < whole.size(); ++cut) CHECK(!read(whole.substr(0, cut)).second);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 0x10;
    CHECK(!read(damaged).second);
  }
}
