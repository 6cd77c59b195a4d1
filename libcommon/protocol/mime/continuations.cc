#include "libcommon/protocol/mime/continuations.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <tuple>

#include "libcommon/text/ascii.h"
#include "libcommon/text/hex.h"

namespace mailroom::mime {
namespace {

struct Piece {
  std::string base;  // in lower case
  std::uint32_t number = 0;
  bool encoded = false;
  std::size_t index = 0;  // among the parameters
};

// "base*number" or "base*number*"; numbers have no leading zeros (RFC 2231 7).
std::optional<Piece> parse_piece(std::string_view name, std::size_t index) {
  const bool encoded = name.ends_with('*');
  if (encoded) name.remove_suffix(1);
  const auto star = name.rfind('*');
  if (star == name.npos || star == 0) return std::nullopt;
  const auto digits = name.substr(star + 1);
  const auto number = parse_decimal<std::uint32_t>(digits);
  if (!number || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  return Piece{lower_case(name.substr(0, star)), *number, encoded, index};
}

// attribute-char and the apostrophe that parts charset and language stay.
std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || std::string_view("!#$&+-.^_`{|}~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += upper_case(encode_hex(std::string_view(&c, 1)));
    }
  }
  return out;
}

Parameter join(std::span<const Piece> pieces, const std::vector<Parameter>& parameters) {
  const bool encoded = std::ranges::any_of(pieces, &Piece::encoded);
  const auto& first_name = parameters[pieces.front().index].name;
  Parameter joined;
  joined.name = first_name.substr(0, pieces.front().base.size()) + (encoded ? "*" : "");
  if (encoded && !pieces.front().encoded) joined.value = "''";
  for (const Piece& piece : pieces) {
    const auto& value = parameters[piece.index].value;
    joined.value += encoded && !piece.encoded ? percent_encode(value) : value;
  }
  return joined;
}

bool is_complete(std::span<const Piece> pieces) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].number != i) return false;
  }
  return true;
}

std::vector<Piece> sorted_pieces(const std::vector<Parameter>& parameters) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (auto piece = parse_piece(parameters[i].name, i)) pieces.push_back(std::move(*piece));
  }
  std::ranges::sort(pieces, {}, [](const Piece& piece) { return std::tie(piece.base, piece.number); });
  return pieces;
}

}  // namespace

std::vector<Parameter> join_continuations(std::vector<Parameter> parameters) {
  const auto pieces = sorted_pieces(parameters);
  std::vector<bool> is_joined(parameters.size());
  std::span<const Piece> rest(pieces);
  while (!rest.empty()) {
    const auto end =
        std::ranges::find_if(rest, [&](const Piece& piece) { return piece.base != rest.front().base; });
    const auto group = rest.first(static_cast<std::size_t>(end - rest.begin()));
    rest = rest.subspan(group.size());
    if (!is_complete(group)) continue;
    parameters[group.front().index] = join(group, parameters);
    for (const Piece& piece : group.subspan(1)) is_joined[piece.index] = true;
  }
  std::vector<Parameter> kept;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!is_joined[i]) kept.push_back(std::move(parameters[i]));
  }
  return kept;
}

}  // namespace mailroom::mime
