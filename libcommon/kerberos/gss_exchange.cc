#include <array>

#include "libcommon/kerberos/acceptor.h"
#include "libcommon/kerberos/keytab_parts.h"

namespace mailroom::kerberos {
namespace {

// RFC 4752 3.3: one octet of layers, three of the largest message that the sender takes.
constexpr char kNoLayer = 1;
constexpr std::size_t kLayerOctets = 4;
// "No security layer" alone, so that no message is ever sent through one.
constexpr std::array<char, kLayerOctets> kOffer{kNoLayer, 0, 0, 0};
// Rounds that a client may ask for before there is a context; Kerberos needs one.
constexpr unsigned kMaxRounds = 8;

TicketFault fault_of(OM_uint32 major) {
  switch (GSS_ROUTINE_ERROR(major)) {
  case GSS_S_DEFECTIVE_TOKEN:
  case GSS_S_BAD_MECH:
    return TicketFault::malformed;
  case GSS_S_CREDENTIALS_EXPIRED:
  case GSS_S_CONTEXT_EXPIRED:
    return TicketFault::expired;
  case GSS_S_DUPLICATE_TOKEN:
  case GSS_S_OLD_TOKEN:
    return TicketFault::replayed;
  case GSS_S_BAD_BINDINGS:
    return TicketFault::bindings;
  case GSS_S_NO_CRED:
    return TicketFault::wrong_key;
  default:
    return TicketFault::refused;
  }
}

Refusal refusal_of(OM_uint32 major, OM_uint32 minor) {
  // Of which Kerberos has no words but "Success".
  if (fault_of(major) == TicketFault::bindings) return {TicketFault::bindings, "bound to another channel"};
  GssBuffer text;
  OM_uint32 ignored = 0, more = 0;
  gss_OID_desc krb5 = *gss_mech_krb5;
  gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &krb5, &more, text.out());
  return {fault_of(major), std::string{text.view()}};
}

std::string text_of(gss_name_t name) {
  GssBuffer text;
  OM_uint32 minor = 0;
  if (GSS_ERROR(gss_display_name(&minor, name, text.out(), nullptr))) return {};
  return std::string{text.view()};
}

class Name {
 public:
  Name() = default;
  ~Name() {
    OM_uint32 minor = 0;
    gss_release_name(&minor, &name_);
  }
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;
  gss_name_t* out() { return &name_; }
  std::string text() const { return text_of(name_); }

 private:
  gss_name_t name_ = GSS_C_NO_NAME;
};

}  // namespace

struct GssExchange::Parts {
  enum class Awaiting : std::uint8_t { token, empty_message, layers, nothing };

  Parts(const Keytab& keys, std::string_view for_service, std::string with_bindings)
      : keytab{keys}, service{for_service}, bindings{std::move(with_bindings)} {}
  ~Parts() {
    OM_uint32 minor = 0;
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  const Keytab& keytab;
  std::string service;
  std::string bindings;
  gss_ctx_id_t context = GSS_C_NO_CONTEXT;
  Awaiting awaiting = Awaiting::token;
  unsigned rounds = 0;
  std::string principal;
};

GssExchange::GssExchange(const Keytab& keytab, std::string_view service, std::string bindings)
    : parts_{std::make_unique<Parts>(keytab, service, std::move(bindings))} {}
GssExchange::~GssExchange() = default;
GssExchange::GssExchange(GssExchange&&) noexcept = default;

GssExchange::Step GssExchange::respond(std::string_view message) {
  switch (std::exchange(parts_->awaiting, Parts::Awaiting::nothing)) {
  case Parts::Awaiting::token:
    return establish(message);
  case Parts::Awaiting::empty_message:
    if (!message.empty()) return Refusal{TicketFault::malformed, "octets where RFC 4752 has none"};
    return offer_layers();
  case Parts::Awaiting::layers:
    return take_layers(message);
  case Parts::Awaiting::nothing:
    break;
  }
  return Refusal{TicketFault::malformed, "a message after the end"};
}

GssExchange::Step GssExchange::establish(std::string_view message) {
  Parts& parts = *parts_;
  if (++parts.rounds > kMaxRounds) return Refusal{TicketFault::malformed, "too many rounds"};
  gss_buffer_desc input = gss_view_of(message);
  gss_channel_bindings_struct bindings{};
  bindings.application_data = gss_view_of(parts.bindings);
  Name client;
  GssBuffer output;
  OM_uint32 minor = 0, flags = 0;
  const OM_uint32 major =
      gss_accept_sec_context(&minor, &parts.context, parts.keytab.parts_->credentials, &input,
                             parts.bindings.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &bindings, client.out(),
                             nullptr, output.out(), &flags, nullptr, nullptr);
  if (GSS_ERROR(major)) return refusal_of(major, minor);
  if ((major & GSS_S_CONTINUE_NEEDED) != 0) {
    parts.awaiting = Parts::Awaiting::token;
    return Token{std::string{output.view()}};
  }
  Name server;
  if (GSS_ERROR(gss_inquire_context(&minor, parts.context, nullptr, server.out(), nullptr, nullptr, nullptr,
                                    nullptr, nullptr)) ||
      !is_for_service(server.text(), parts.service))
    return Refusal{TicketFault::wrong_key, "a ticket for " + server.text()};
  if ((flags & GSS_C_ANON_FLAG) != 0) return Refusal{TicketFault::refused, "anonymous"};
  parts.principal = client.text();
  if (output.view().empty()) return offer_layers();
  parts.awaiting = Parts::Awaiting::empty_message;
  return Token{std::string{output.view()}};
}

GssExchange::Step GssExchange::offer_layers() {
  gss_buffer_desc offer = gss_view_of({kOffer.data(), kOffer.size()});
  GssBuffer wrapped;
  OM_uint32 minor = 0;
  const OM_uint32 major =
      gss_wrap(&minor, parts_->context, 0, GSS_C_QOP_DEFAULT, &offer, nullptr, wrapped.out());
  if (GSS_ERROR(major)) return refusal_of(major, minor);
  parts_->awaiting = Parts::Awaiting::layers;
  return Token{std::string{wrapped.view()}};
}

GssExchange::Step GssExchange::take_layers(std::string_view message) {
  gss_buffer_desc input = gss_view_of(message);
  GssBuffer plain;
  OM_uint32 minor = 0;
  const OM_uint32 major = gss_unwrap(&minor, parts_->context, &input, plain.out(), nullptr, nullptr);
  if (GSS_ERROR(major)) return refusal_of(major, minor);
  const std::string_view choice = plain.view();
  if (choice.size() < kLayerOctets)
    return Refusal{TicketFault::malformed, "a choice of layers that is too short"};
  if (choice.front() != kNoLayer)
    return Refusal{TicketFault::malformed, "a security layer that was not offered"};
  const std::string_view authzid = choice.substr(kLayerOctets);
  if (authzid.find('\0') != authzid.npos) return Refusal{TicketFault::malformed, "a NUL in the identity"};
  return Proof{parts_->principal, std::string{authzid}, {}};
}

}  // namespace mailroom::kerberos
