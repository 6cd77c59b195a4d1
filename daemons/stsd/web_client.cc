#include "daemons/stsd/web_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "daemons/stsd/listed_socket.h"
#include "libcommon/routing/sts_policy.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/host_name.h"
#include "libcommon/tlsrpt/report.h"

namespace mailroom::stsd {
namespace {

constexpr std::string_view kFetchError = "sts-policy-fetch-error";
constexpr long kHttpOk = 200, kHttpSuccess = 2;  // RFC 9110 15.3; below, a final status follows

struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CloseMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

enum class Kind : bool { fetch, post };

// One request and its response.
struct Transfer {
  Transfer(Kind what, Listed where) : kind{what}, listed{std::move(where)} {}

  const Kind kind;
  const Listed listed;
  std::unique_ptr<CURL, CloseEasy> easy{curl_easy_init()};
  std::unique_ptr<curl_slist, FreeList> addresses, headers;
  std::string sent;      // what is posted
  std::string received;  // the response, up to `most` octets
  std::size_t most = 0;
  bool too_long = false;
  std::function<void(Transfer&, CURLcode)> done;
};

// "mta-sts.example.org:443:192.0.2.1,[2001:db8::1]" for CURLOPT_RESOLVE, kept for a short time alone ("+").
std::string resolution(const std::string& host, const Listed& listed) {
  std::string line = fmt::format("+{}:{}:", host, listed.port);
  for (const IpAddress& address : listed.addresses) {
    if (line.back() != ':') line += ',';
    line += address.is_v4() ? address.text() : '[' + address.text() + ']';
  }
  return line;
}

// ---- libcurl's callbacks

std::size_t take_content(const char* bytes, std::size_t, std::size_t size, void* argument) {
  auto& transfer = *static_cast<Transfer*>(argument);
  transfer.too_long = transfer.too_long || size > transfer.most - transfer.received.size();
  if (transfer.too_long) return 0;  // ends the transfer
  transfer.received.append(bytes, size);
  return size;
}

curl_socket_t open_socket(void* argument, curlsocktype, curl_sockaddr* to) {
  return open_listed_socket(*static_cast<const Listed*>(argument), to->addr, to->addrlen);
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (const CURLcode code = curl_easy_setopt(easy, option, value); code != CURLE_OK)
    throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
}

// ---- what came of it

bool is_plain_text(const char* type) {
  if (type == nullptr) return false;
  const std::string_view media = std::string_view{type}.substr(0, std::string_view{type}.find(';'));
  return equals_ignoring_case(trim_blanks(media), "text/plain");
}

bool is_about_certificate(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ||
         code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_INVALIDCERTSTATUS;
}

long status_of(const Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

WebClient::Fetched failed(std::string_view result, std::string problem) {
  return {{}, std::string{result}, std::move(problem)};
}

WebClient::Fetched policy_of(Transfer& transfer, CURLcode code) {
  if (transfer.too_long) return failed("sts-policy-invalid", "the policy file is too long");
  if (is_about_certificate(code)) return failed("sts-webpki-invalid", curl_easy_strerror(code));
  if (code != CURLE_OK) return failed(kFetchError, curl_easy_strerror(code));
  const char* type = nullptr;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_CONTENT_TYPE, &type);
  if (const long status = status_of(transfer); status != kHttpOk)
    return failed(kFetchError, fmt::format("HTTP status {}", status));
  if (!is_plain_text(type)) return failed(kFetchError, "the policy file is not text/plain");
  return {std::move(transfer.received), {}, {}};
}

// By its final status a server has said whether it has the report, however the response ends.
std::string problem_of(const Transfer& transfer, CURLcode code) {
  const long status = status_of(transfer);
  if (status / 100 == kHttpSuccess) return {};
  return status >= kHttpOk ? fmt::format("HTTP status {}", status) : curl_easy_strerror(code);
}

}  // namespace

struct WebClient::State {
  State(event::Loop& in, Settings with);

  // A socket of libcurl's, and what it waits for.
  struct Watch {
    std::unique_ptr<event::ReadWatch> readable;
    std::unique_ptr<event::WriteWatch> writable;
    int what = CURL_POLL_NONE;
  };

  std::size_t under_way(Kind kind) const;
  std::string url(const std::string& host, const std::string& path) const;
  void prepare(Transfer& transfer, const std::string& host, const std::string& path);
  void begin(std::unique_ptr<Transfer> transfer);
  void act(curl_socket_t socket, int events);
  void finish();
  void watch(curl_socket_t socket, int what);
  void set_timer(long milliseconds);

  event::Loop& loop;
  Settings settings;
  event::Timer timer;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;
  std::map<curl_socket_t, Watch> watches;
  std::unique_ptr<CURLM, CloseMulti> multi;
};

namespace {

int on_socket(CURL*, curl_socket_t socket, int what, void* state, void*) {
  static_cast<WebClient::State*>(state)->watch(socket, what);
  return 0;
}

int on_timer(CURLM*, long milliseconds, void* state) {
  static_cast<WebClient::State*>(state)->set_timer(milliseconds);
  return 0;
}

}  // namespace

WebClient::State::State(event::Loop& in, Settings with)
    : loop{in}, settings{std::move(with)}, timer{in, [this] { act(CURL_SOCKET_TIMEOUT, 0); }} {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl does not start");
  multi.reset(curl_multi_init());
  if (!multi) throw std::runtime_error("libcurl does not start");
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 1L);
}

std::size_t WebClient::State::under_way(Kind kind) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(transfers, [kind](const auto& entry) { return entry.second->kind == kind; }));
}

std::string WebClient::State::url(const std::string& host, const std::string& path) const {
  return fmt::format("https://{}:{}{}", host, settings.port, path);
}

void WebClient::State::prepare(Transfer& transfer, const std::string& host, const std::string& path) {
  CURL* const easy = transfer.easy.get();
  transfer.addresses.reset(curl_slist_append(nullptr, resolution(host, transfer.listed).c_str()));
  set(easy, CURLOPT_URL, url(host, path).c_str());
  set(easy, CURLOPT_RESOLVE, transfer.addresses.get());
  set(easy, CURLOPT_PROTOCOLS_STR, "https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_FORBID_REUSE, 1L);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeout.count()));
  set(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(easy, CURLOPT_OPENSOCKETDATA, static_cast<const void*>(&transfer.listed));
  set(easy, CURLOPT_WRITEFUNCTION, take_content);
  set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy, CURLOPT_CAINFO, static_cast<char*>(nullptr));
  set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  curl_blob bundle{settings.authorities_pem.data(), settings.authorities_pem.size(), CURL_BLOB_NOCOPY};
  set(easy, CURLOPT_CAINFO_BLOB, &bundle);
}

void WebClient::State::watch(curl_socket_t socket, int what) {
  if (what == CURL_POLL_REMOVE) {
    watches.erase(socket);
    return;
  }
  Watch& watch = watches[socket];
  watch.what = what;
  if (!watch.readable) {
    watch.readable =
        std::make_unique<event::ReadWatch>(loop, socket, [this, socket] { act(socket, CURL_CSELECT_IN); });
    watch.writable =
        std::make_unique<event::WriteWatch>(loop, socket, [this, socket] { act(socket, CURL_CSELECT_OUT); });
  }
  (what & CURL_POLL_IN) != 0 ? watch.readable->resume() : watch.readable->pause();
  if ((what & CURL_POLL_OUT) != 0) watch.writable->arm();
}

void WebClient::State::set_timer(long milliseconds) {
  if (milliseconds < 0) return timer.cancel();
  timer.start(std::chrono::milliseconds{milliseconds});
}

void WebClient::State::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi.get(), socket, events, &running);
  if (const auto still = watches.find(socket);
      still != watches.end() && (still->second.what & CURL_POLL_OUT) != 0)
    still->second.writable->arm();
  finish();
}

void WebClient::State::finish() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = transfers.find(message->easy_handle);
    const std::unique_ptr<Transfer> transfer = std::move(found->second);
    transfers.erase(found);
    curl_multi_remove_handle(multi.get(), transfer->easy.get());
    transfer->done(*transfer, code);
  }
}

void WebClient::State::begin(std::unique_ptr<Transfer> transfer) {
  CURL* const easy = transfer->easy.get();
  transfers.emplace(easy, std::move(transfer));
  curl_multi_add_handle(multi.get(), easy);
}

WebClient::WebClient(event::Loop& loop, Settings settings)
    : state_{std::make_unique<State>(loop, std::move(settings))} {}

WebClient::~WebClient() {
  for (const auto& [easy, transfer] : state_->transfers) curl_multi_remove_handle(state_->multi.get(), easy);
}

void WebClient::fetch_policy(const std::string& domain, const std::vector<IpAddress>& addresses,
                             OnFetched then) {
  const std::string host = "mta-sts." + domain;
  if (!is_host_name(host) || addresses.empty()) return then(failed(kFetchError, "no address of " + host));
  if (state_->under_way(Kind::fetch) >= kMaxStsFetches)
    return then(failed(kFetchError, "too many fetches at the same time"));
  auto transfer = std::make_unique<Transfer>(Kind::fetch, Listed{addresses, state_->settings.port});
  transfer->most = routing::kMaxStsPolicy;
  transfer->done = [then = std::move(then)](Transfer& done, CURLcode code) { then(policy_of(done, code)); };
  state_->prepare(*transfer, host, "/.well-known/mta-sts.txt");
  set(transfer->easy.get(), CURLOPT_MAXFILESIZE, static_cast<long>(routing::kMaxStsPolicy));
  state_->begin(std::move(transfer));
}

void WebClient::post_report(const std::string& host, const std::string& path,
                            const std::vector<IpAddress>& addresses, std::string report, OnPosted then) {
  const auto target = tlsrpt::web_target("https://" + host + path);
  if (!target || target->host != host || target->path != path || addresses.empty())
    return then("no address of " + host);
  if (state_->under_way(Kind::post) >= kMaxReportPosts) return then("too many posts at the same time");
  auto transfer = std::make_unique<Transfer>(Kind::post, Listed{addresses, state_->settings.port});
  transfer->most = kMaxAnswer;
  transfer->sent = std::move(report);
  transfer->done = [then = std::move(then)](Transfer& done, CURLcode code) { then(problem_of(done, code)); };
  state_->prepare(*transfer, host, path);
  CURL* const easy = transfer->easy.get();
  curl_slist* headers =
      curl_slist_append(nullptr, fmt::format("Content-Type: {}", tlsrpt::kReportType).c_str());
  transfer->headers.reset(curl_slist_append(headers, "Expect:"));  // no question before the report
  set(easy, CURLOPT_HTTPHEADER, transfer->headers.get());
  set(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer->sent.size()));
  set(easy, CURLOPT_POSTFIELDS, static_cast<const char*>(transfer->sent.data()));
  state_->begin(std::move(transfer));
}

}  // namespace mailroom::stsd
