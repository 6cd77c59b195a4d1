// A list for a tool comes in pages, each of which fits a packet.
#pragma once

#include <cstddef>
#include <vector>

#include "libcommon/ipc/codec.h"

namespace mailroom::policyd {

inline constexpr std::size_t kMaxPageOctets = 48 * 1024;  // of the encoded rows

// What is left of one page.
class PageRoom {
 public:
  // Whether the page has room for the row beside those before it; it always has for the first.
  template <typename Row>
  bool takes(const Row& row) {
    octets_ += ipc::encode(row).size();
    return rows_++ == 0 || octets_ <= kMaxPageOctets;
  }

 private:
  std::size_t octets_ = 0;
  std::size_t rows_ = 0;
};

// Cuts off the rows beyond the first `most`, and those that do not fit.  Whether that left all of them.
template <typename Row>
bool cut_to_page(std::vector<Row>& rows, std::size_t most) {
  PageRoom room;
  std::size_t kept = 0;
  while (kept < rows.size() && kept < most && room.takes(rows[kept])) ++kept;
  const bool all = kept == rows.size();
  rows.resize(kept);
  return all;
}

}  // namespace mailroom::policyd
