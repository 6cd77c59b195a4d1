#include "daemons/keyd/tls_shape.h"

#include <algorithm>

#include "libcommon/protocol/tls/certificate_verify.h"

namespace mailroom::keyd {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kRandom = 32;
constexpr std::string_view kDowngradeMark = "DOWNGRD\x01"sv;
constexpr std::string_view kOldVersionMark = "DOWNGRD\x00"sv;  // TLS 1.1 and before
constexpr std::size_t kMinPrime = 2048 / 8, kMaxPrime = 4096 / 8;
constexpr unsigned kNamedCurve = 3;    // ECCurveType, RFC 8422 5.4
constexpr unsigned kUncompressed = 4;  // first octet of a point, RFC 8422 5.4.1

struct Group {
  unsigned number;  // NamedGroup, RFC 8446 4.2.7
  std::size_t point;
  bool has_form;  // whether the point begins with kUncompressed
};
constexpr Group kGroups[] = {{0x0017, 65, true}, {0x0018, 97, true}, {0x001d, 32, false}};

unsigned octet(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

// struct { ECCurveType curve_type; NamedCurve namedcurve; opaque point<1..2^8-1>; }
bool is_ecdhe_params(std::string_view params) {
  if (params.size() < 4 || octet(params, 0) != kNamedCurve) return false;
  const auto* group = std::ranges::find(kGroups, octet(params, 1) << 8 | octet(params, 2), &Group::number);
  if (group == std::end(kGroups)) return false;
  const std::string_view point = params.substr(4);
  if (octet(params, 3) != point.size() || point.size() != group->point) return false;
  return !group->has_form || octet(point, 0) == kUncompressed;
}

// Takes opaque<1..2^16-1> from the front; empty when it is not there.
std::string_view take_number(std::string_view& bytes) {
  if (bytes.size() < 2) return {};
  const std::size_t size = octet(bytes, 0) << 8 | octet(bytes, 1);
  if (bytes.size() - 2 < size) return {};
  const std::string_view number = bytes.substr(2, size);
  bytes.remove_prefix(2 + size);
  return number;
}

// struct { opaque dh_p<1..2^16-1>; opaque dh_g<1..2^16-1>; opaque dh_Ys<1..2^16-1>; }
bool is_dhe_params(std::string_view params) {
  const std::string_view prime = take_number(params), generator = take_number(params),
                         value = take_number(params);
  const bool sized = prime.size() >= kMinPrime && prime.size() <= kMaxPrime && generator.size() == 1;
  return sized && !value.empty() && value.size() <= prime.size() && params.empty();
}

bool is_server_key_exchange(std::string_view bytes, std::string_view mark, bool dhe) {
  if (bytes.size() < 2 * kRandom) return false;
  const std::string_view server_random = bytes.substr(kRandom, kRandom), params = bytes.substr(2 * kRandom);
  return server_random.ends_with(mark) && (is_ecdhe_params(params) || (dhe && is_dhe_params(params)));
}

}  // namespace

bool is_tls_shaped(tls::SignatureScheme scheme, std::string_view to_be_signed, OldTls old) {
  const bool is_old = scheme == tls::SignatureScheme::rsa_pkcs1_md5_sha1;
  if (is_old && old == OldTls::refused) return false;
  const tls::Padding padding = tls::scheme_row(scheme).padding;
  if (tls::is_to_be_signed(tls::Side::server, to_be_signed)) return padding != tls::Padding::pkcs1;
  return is_server_key_exchange(to_be_signed, is_old ? kOldVersionMark : kDowngradeMark,
                                padding != tls::Padding::none && old == OldTls::allowed);
}

}  // namespace mailroom::keyd
