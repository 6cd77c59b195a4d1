// An ordered set of UIDs that is small, fast to load, and answers "the n-th" and "how many up to".
//
// Bitmaps of 4,096 UIDs each: a folder of 100,000 messages is 25 of them, 13 KiB.  A session's message
// numbers are the ranks in such a set, so that SELECT does not read the folder's rows.  Pure values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::mailbox {

using Uid = std::uint32_t;  // RFC 3501 2.3.1.1: never 0

struct UidRange {
  Uid first = 1;
  Uid last = UINT32_MAX;  // inclusive
  bool operator==(const UidRange&) const = default;
};

class UidSet {
 public:
  static constexpr unsigned kBits = 4096;
  // Octets of a chunk on disk and in parked state: the bitmap, little-endian words.
  static constexpr std::size_t kChunkOctets = kBits / 8;
  struct Chunk {
    std::uint32_t index = 0;   // holds UIDs index*kBits ... index*kBits + kBits-1
    std::uint32_t before = 0;  // members in all chunks before this one
    std::uint32_t count = 0;
    std::array<std::uint64_t, kBits / 64> words{};
    bool operator==(const Chunk&) const = default;
  };

  UidSet() = default;
  UidSet(std::initializer_list<Uid> uids) {
    for (const Uid uid : uids) insert(uid);
  }

  bool empty() const { return chunks_.empty(); }
  std::uint32_t size() const { return chunks_.empty() ? 0 : chunks_.back().before + chunks_.back().count; }
  bool contains(Uid uid) const;

  // False when it was there (was not there) already.  Cheapest at the end of the set.
  bool insert(Uid uid);
  bool erase(Uid uid);
  // Every UID of the range, in time and memory for the chunks that it covers: for ranges that were once a
  // folder's, not for what a client wrote (see members_in).
  void insert(UidRange range);

  // The message number of `uid`, from 1; nothing when it is not a member.
  std::optional<std::uint32_t> number_of(Uid uid) const;
  // Members that are less than or equal to `uid`.
  std::uint32_t rank(Uid uid) const;
  // The member with this message number; nothing when there are not so many.
  std::optional<Uid> nth(std::uint32_t number) const;

  std::optional<Uid> first() const { return nth(1); }
  std::optional<Uid> last() const { return nth(size()); }
  // The least member that is greater than or equal to `uid`.
  std::optional<Uid> at_or_after(Uid uid) const;

  // Calls visit(Uid) for each member in ascending order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Chunk& chunk : chunks_)
      for (std::size_t w = 0; w < chunk.words.size(); ++w)
        for (std::uint64_t bits = chunk.words[w]; bits != 0; bits &= bits - 1)
          visit(
              static_cast<Uid>(chunk.index * kBits + w * 64 + static_cast<unsigned>(__builtin_ctzll(bits))));
  }

  // Members as ascending, disjoint, maximal ranges: what a UID set in an IMAP response says.
  std::vector<UidRange> ranges() const;
  std::vector<Uid> to_vector() const;

  // The members that lie in any of the ranges, which may overlap and come in any order, as a client wrote
  // them.
  UidSet members_in(std::vector<UidRange> wanted) const;

  // Members of both; members of this one that are not in the other.
  UidSet intersection(const UidSet& other) const;
  UidSet difference(const UidSet& other) const;

  const std::vector<Chunk>& chunks() const { return chunks_; }
  // Adds a chunk read from disk (kChunkOctets of bitmap); its index must be greater than that of all present
  // ones. False, and nothing is added, when the octets or the index are wrong.  An empty bitmap adds nothing.
  bool append_chunk(std::uint32_t index, std::string_view bitmap);
  static std::string bitmap_of(const Chunk& chunk);

  bool operator==(const UidSet&) const = default;

 private:
  std::size_t position(std::uint32_t index) const;
  void push_chunk(Chunk chunk);
  void renumber(std::size_t from);
  std::size_t make_chunks(std::uint32_t first, std::uint32_t last);
  std::vector<Chunk> chunks_;  // ascending by index, none empty
};

}  // namespace mailroom::mailbox
