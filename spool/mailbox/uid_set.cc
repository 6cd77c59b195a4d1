#include "spool/mailbox/uid_set.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mailroom::mailbox {
namespace {

constexpr std::uint64_t bit_of(Uid uid) { return std::uint64_t{1} << (uid % 64); }
constexpr std::size_t word_of(Uid uid) { return uid % UidSet::kBits / 64; }

std::uint32_t count_bits(const UidSet::Chunk& chunk) {
  std::uint32_t count = 0;
  for (const auto word : chunk.words) count += static_cast<std::uint32_t>(std::popcount(word));
  return count;
}

// Members of the chunk that are at most `uid`, which lies in it.
std::uint32_t rank_in(const UidSet::Chunk& chunk, Uid uid) {
  std::uint32_t rank = 0;
  for (std::size_t w = 0; w < word_of(uid); ++w)
    rank += static_cast<std::uint32_t>(std::popcount(chunk.words[w]));
  const std::uint64_t up_to = bit_of(uid) | (bit_of(uid) - 1);
  return rank + static_cast<std::uint32_t>(std::popcount(chunk.words[word_of(uid)] & up_to));
}

// The member with this rank, from 1 to chunk.count.
Uid select_in(const UidSet::Chunk& chunk, std::uint32_t rank) {
  std::size_t w = 0;
  for (;; ++w) {
    const auto here = static_cast<std::uint32_t>(std::popcount(chunk.words[w]));
    if (rank <= here) break;
    rank -= here;
  }
  std::uint64_t bits = chunk.words[w];
  while (--rank > 0) bits &= bits - 1;
  return static_cast<Uid>(chunk.index * UidSet::kBits + w * 64 +
                          static_cast<unsigned>(std::countr_zero(bits)));
}

// Adds the members at these places of the chunk, and those between them.
void fill(UidSet::Chunk& chunk, unsigned from, unsigned to) {
  constexpr auto kAll = ~std::uint64_t{0};
  for (std::size_t w = from / 64; w <= to / 64; ++w) {
    const std::uint64_t begin = w == from / 64 ? kAll << from % 64 : kAll;
    const std::uint64_t end = w == to / 64 ? kAll >> (63 - to % 64) : kAll;
    chunk.words[w] |= begin & end;
  }
  chunk.count = count_bits(chunk);
}

}  // namespace

// Of the first chunk whose index is not less.
std::size_t UidSet::position(std::uint32_t index) const {
  if (chunks_.empty() || chunks_.back().index < index) return chunks_.size();
  const auto at = std::ranges::lower_bound(chunks_, index, {}, &Chunk::index);
  return static_cast<std::size_t>(at - chunks_.begin());
}

void UidSet::renumber(std::size_t from) {
  for (std::size_t i = from; i < chunks_.size(); ++i)
    chunks_[i].before = i == 0 ? 0 : chunks_[i - 1].before + chunks_[i - 1].count;
}

bool UidSet::contains(Uid uid) const {
  const std::size_t at = position(uid / kBits);
  return at < chunks_.size() && chunks_[at].index == uid / kBits &&
         (chunks_[at].words[word_of(uid)] & bit_of(uid));
}

bool UidSet::insert(Uid uid) {
  const std::size_t at = position(uid / kBits);
  if (at == chunks_.size() || chunks_[at].index != uid / kBits)
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at), Chunk{.index = uid / kBits});
  auto& word = chunks_[at].words[word_of(uid)];
  if (word & bit_of(uid)) return false;
  word |= bit_of(uid);
  ++chunks_[at].count;
  renumber(at);
  return true;
}

bool UidSet::erase(Uid uid) {
  const std::size_t at = position(uid / kBits);
  if (at == chunks_.size() || chunks_[at].index != uid / kBits) return false;
  auto& word = chunks_[at].words[word_of(uid)];
  if (!(word & bit_of(uid))) return false;
  word &= ~bit_of(uid);
  if (--chunks_[at].count == 0) chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(at));
  renumber(at);
  return true;
}

void UidSet::insert(UidRange range) {
  if (range.first > range.last) return;
  const std::uint32_t first = range.first / kBits, last = range.last / kBits;
  const std::size_t begin = make_chunks(first, last);
  for (std::uint32_t index = first; index <= last; ++index)
    fill(chunks_[begin + (index - first)], index == first ? range.first % kBits : 0,
         index == last ? range.last % kBits : kBits - 1);
  renumber(begin);
}

// All chunks from `first` to `last`, those that were missing empty; answers where they begin.  What comes
// behind them is moved once.
std::size_t UidSet::make_chunks(std::uint32_t first, std::uint32_t last) {
  const std::size_t begin = position(first);
  std::size_t end = begin;
  while (end < chunks_.size() && chunks_[end].index <= last) ++end;
  const std::size_t there = end - begin, wanted = std::size_t{last} - first + 1;
  chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(end), wanted - there, Chunk{});
  for (std::size_t place = wanted; place-- > 0;) {
    const auto index = static_cast<std::uint32_t>(first + place);
    const bool is_there = end > begin && chunks_[end - 1].index == index;
    chunks_[begin + place] = is_there ? chunks_[--end] : Chunk{.index = index};
  }
  return begin;
}

std::uint32_t UidSet::rank(Uid uid) const {
  const std::size_t at = position(uid / kBits);
  if (at == chunks_.size()) return size();
  if (chunks_[at].index != uid / kBits) return chunks_[at].before;
  return chunks_[at].before + rank_in(chunks_[at], uid);
}

std::optional<std::uint32_t> UidSet::number_of(Uid uid) const {
  if (!contains(uid)) return std::nullopt;
  return rank(uid);
}

std::optional<Uid> UidSet::nth(std::uint32_t number) const {
  if (number == 0 || number > size()) return std::nullopt;
  const auto after = std::ranges::lower_bound(chunks_, number, {}, &Chunk::before);
  const auto& chunk = *(after - 1);  // the last one with before < number
  return select_in(chunk, number - chunk.before);
}

std::optional<Uid> UidSet::at_or_after(Uid uid) const { return nth(uid == 0 ? 1 : rank(uid - 1) + 1); }

std::vector<UidRange> UidSet::ranges() const {
  std::vector<UidRange> ranges;
  for_each([&](Uid uid) {
    if (!ranges.empty() && ranges.back().last + 1 == uid) {
      ranges.back().last = uid;
    } else {
      ranges.push_back({uid, uid});
    }
  });
  return ranges;
}

std::vector<Uid> UidSet::to_vector() const {
  std::vector<Uid> uids;
  uids.reserve(size());
  for_each([&](Uid uid) { uids.push_back(uid); });
  return uids;
}

void UidSet::push_chunk(Chunk chunk) {
  chunk.count = count_bits(chunk);
  if (chunk.count == 0) return;
  chunk.before = size();
  chunks_.push_back(chunk);
}

namespace {

// Ascending and disjoint, so that a set is walked once however often a client names the same range.
std::vector<UidRange> merged(std::vector<UidRange> ranges) {
  std::ranges::sort(ranges, {}, &UidRange::first);
  std::vector<UidRange> disjoint;
  for (const UidRange& range : ranges) {
    if (!disjoint.empty() && range.first <= disjoint.back().last) {
      disjoint.back().last = std::max(disjoint.back().last, range.last);
    } else {
      disjoint.push_back(range);
    }
  }
  return disjoint;
}

// Bits of the word that begins with UID `base` that lie in the range.
std::uint64_t mask_of(std::uint64_t base, UidRange range) {
  if (range.last < base || range.first > base + 63) return 0;
  const std::uint64_t from = range.first > base ? range.first - base : 0;
  const std::uint64_t to = std::min<std::uint64_t>(range.last - base, 63);
  return (~std::uint64_t{0} << from) & (~std::uint64_t{0} >> (63 - to));
}

}  // namespace

UidSet UidSet::members_in(std::vector<UidRange> wanted) const {
  const auto ranges = merged(std::move(wanted));
  UidSet found;
  auto range = ranges.begin();
  for (const Chunk& chunk : chunks_) {
    Chunk kept{.index = chunk.index};
    for (std::size_t w = 0; w < chunk.words.size(); ++w) {
      const std::uint64_t base = std::uint64_t{chunk.index} * kBits + w * 64;
      while (range != ranges.end() && range->last < base) ++range;
      for (auto r = range; r != ranges.end() && r->first <= base + 63; ++r)
        kept.words[w] |= mask_of(base, *r);
      kept.words[w] &= chunk.words[w];
    }
    found.push_chunk(kept);
  }
  return found;
}

UidSet UidSet::intersection(const UidSet& other) const {
  UidSet both;
  for (Chunk chunk : chunks_) {
    const std::size_t at = other.position(chunk.index);
    if (at == other.chunks_.size() || other.chunks_[at].index != chunk.index) continue;
    for (std::size_t w = 0; w < chunk.words.size(); ++w) chunk.words[w] &= other.chunks_[at].words[w];
    both.push_chunk(chunk);
  }
  return both;
}

UidSet UidSet::difference(const UidSet& other) const {
  UidSet rest;
  for (Chunk chunk : chunks_) {
    const std::size_t at = other.position(chunk.index);
    if (at < other.chunks_.size() && other.chunks_[at].index == chunk.index)
      for (std::size_t w = 0; w < chunk.words.size(); ++w) chunk.words[w] &= ~other.chunks_[at].words[w];
    rest.push_chunk(chunk);
  }
  return rest;
}

bool UidSet::append_chunk(std::uint32_t index, std::string_view bitmap) {
  if (bitmap.size() != kChunkOctets || index > UINT32_MAX / kBits) return false;
  if (!chunks_.empty() && chunks_.back().index >= index) return false;
  Chunk chunk{.index = index};
  std::memcpy(chunk.words.data(), bitmap.data(), kChunkOctets);
  push_chunk(chunk);
  return true;
}

std::string UidSet::bitmap_of(const Chunk& chunk) {
  return {reinterpret_cast<const char*>(chunk.words.data()), kChunkOctets};
}

}  // namespace mailroom::mailbox
