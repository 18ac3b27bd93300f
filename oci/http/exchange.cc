// SPDX-License-Identifier: Apache-2.0
#include "oci/http/exchange.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "oci/http/address.h"
#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci::http {
namespace {

constexpr std::size_t kMaxAllHeaderBytes = 256 << 10;  // interim answers (1xx) included
constexpr long kBufferBytes = 256 << 10;

std::chrono::milliseconds until(Clock::time_point at) {
  const auto now = Clock::now();
  return at <= now ? std::chrono::milliseconds(0)
                   : std::chrono::ceil<std::chrono::milliseconds>(at - now);
}

}  // namespace

void Exchange::FreeList::operator()(curl_slist* list) const {
  for (curl_slist* item = list; item; item = item->next)
    explicit_bzero(item->data, std::string_view(item->data).size());
  curl_slist_free_all(list);
}

Exchange::Exchange(CurlHandle& handle, const ClientOptions& options, const Trust& trust,
                   const Request& request, const Url& url)
    : handle_(handle),
      options_(options),
      trust_(trust),
      request_(request),
      url_(url),
      stall_(options.stall_rate, options.stall_window, Clock::now()) {}

Result<Response> Exchange::run() {
  configure();
  const CURLcode code = transfer();
  if (stopped_) return *std::move(stopped_);
  if (code != CURLE_OK && !enough_) return error_of(code);
  long status = 0;
  curl_easy_getinfo(handle_.easy, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  response_.url = url_;
  return std::move(response_);
}

void Exchange::add_header(const std::string& name, const std::string& value) {
  std::string line = fmt::format("{}: {}", name, value);
  curl_slist* list = curl_slist_append(headers_.get(), line.c_str());
  explicit_bzero(line.data(), line.size());
  if (!headers_) headers_.reset(list);  // else it is the same list, or nullptr: no memory
}

void Exchange::configure() {
  CURL* easy = handle_.easy;
  for (const Header& header : request_.headers) add_header(header.name, header.value);
  if (!request_.authorization.empty() && url_.same_origin(request_.url))
    add_header("Authorization", request_.authorization.reveal());
  curl_easy_setopt(easy, CURLOPT_URL, url_.str().c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl_text_.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &header_callback);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &body_callback);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  if (is_loopback(url_.host())) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  // curl leaves it to CGI programs, whose clients can set it.
  const char* proxy = std::getenv("HTTP_PROXY");
  if (proxy && !url_.secure() && !std::getenv("http_proxy"))
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
  if (request_.range_from > 0)
    curl_easy_setopt(easy, CURLOPT_RANGE, fmt::format("{}-", request_.range_from).c_str());
  if (request_.method == Method::head) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (request_.method == Method::post) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.form.reveal().size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.form.reveal().c_str());
  }
  if (url_.secure()) configure_tls();
}

void Exchange::configure_tls() {
  CURL* easy = handle_.easy;
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const std::string_view bundle = trust_.pem();
  curl_blob blob{const_cast<char*>(bundle.data()), bundle.size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
}

CURLcode Exchange::transfer() {
  const std::stop_callback wake(request_.stop, [this] { curl_multi_wakeup(handle_.multi); });
  curl_multi_add_handle(handle_.multi, handle_.easy);
  std::optional<CURLcode> result;
  while (!result) {
    int running = 0;
    const CURLMcode code = curl_multi_perform(handle_.multi, &running);
    result = transfer_result();
    if (!result && (code != CURLM_OK || running == 0)) result = CURLE_FAILED_INIT;
    if (result || !check_clocks()) break;
    curl_multi_poll(handle_.multi, nullptr, 0, static_cast<int>(next_wait().count()), nullptr);
  }
  // A handle that had not finished loses its connection here.
  curl_multi_remove_handle(handle_.multi, handle_.easy);
  return result.value_or(CURLE_ABORTED_BY_CALLBACK);
}

std::optional<CURLcode> Exchange::transfer_result() {
  int left = 0;
  std::optional<CURLcode> result;
  while (const CURLMsg* message = curl_multi_info_read(handle_.multi, &left))
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  return result;
}

std::chrono::milliseconds Exchange::next_wait() const {
  const Deadline next = request_.deadline.earliest(Deadline(stall_.window_end()));
  return std::min(until(next.at()), std::chrono::milliseconds(1000));
}

bool Exchange::check_clocks() {
  const Clock::time_point now = Clock::now();
  if (request_.stop.stop_requested())
    return stop(Failure::cancelled, {Fault::transient, url_.origin() + ": cancelled"});
  if (request_.deadline.passed(now))
    return stop(Failure::timeout, {Fault::transient, url_.origin() + ": no whole answer in time"});
  if (stall_.stalled(now))
    return stop(Failure::timeout,
                {Fault::transient, fmt::format("{}: stalled, less than {} a second for {}",
                                               url_.origin(), human_bytes(options_.stall_rate),
                                               human_duration(options_.stall_window))});
  return true;
}

bool Exchange::stop(Failure failure, Error error) {
  failure_ = failure;
  stopped_ = std::move(error);
  return false;
}

// Called with one whole line; a status line begins a new set (after 100 Continue, for one).
bool Exchange::on_header(std::string_view line) {
  stall_.received(line.size());
  header_bytes_ += line.size();
  const bool blank = line == "\r\n" || line == "\n" || line.empty();
  if (line.starts_with("HTTP/")) response_.headers.clear();
  const bool fine = blank || line.starts_with("HTTP/") || response_.headers.add_line(line);
  if (fine && header_bytes_ <= kMaxAllHeaderBytes) return true;
  return stop(Failure::forbidden, header_too_long());
}

bool Exchange::on_body(std::string_view bytes) {
  stall_.received(bytes.size());
  const bool first = response_.status == 0;
  long status = 0;
  curl_easy_getinfo(handle_.easy, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  const bool good = status >= 200 && status < 300;
  if (good && first && !check_encoding()) return false;
  if (good && request_.sink) return deliver(bytes);
  const std::size_t limit = good ? request_.max_body : kMaxErrorBodyBytes;
  if (response_.body.size() + bytes.size() <= limit) {
    response_.body += bytes;
    return true;
  }
  if (good)
    return stop(Failure::forbidden,
                {Fault::invalid, fmt::format("{}: the answer has more than the {} bytes allowed",
                                             url_.origin(), limit)});
  enough_ = true;  // an error's text: its beginning is all we want
  return false;
}

bool Exchange::check_encoding() {
  const std::string_view encoding = response_.headers.get("Content-Encoding");
  if (encoding.empty() || same_name(encoding, "identity")) return true;
  return stop(Failure::forbidden,
              {Fault::invalid, fmt::format("{}: the answer is encoded ({}), which nobody asked for",
                                           url_.origin(), printable(encoding.substr(0, 100)))});
}

bool Exchange::deliver(std::string_view bytes) {
  const Clock::time_point before = Clock::now();
  Result<void> taken = request_.sink(response_, bytes);
  stall_.pause(Clock::now() - before);
  return taken || stop(Failure::sink, std::move(taken).error());
}

std::size_t Exchange::header_callback(char* data, std::size_t, std::size_t size, void* self) {
  return static_cast<Exchange*>(self)->on_header({data, size}) ? size : 0;
}

std::size_t Exchange::body_callback(char* data, std::size_t, std::size_t size, void* self) {
  if (size == 0) return 0;
  return static_cast<Exchange*>(self)->on_body({data, size}) ? size : 0;
}

// curl's own would lack CLOEXEC. Names have been resolved by now: the address is the real one (or
// a proxy's).
curl_socket_t Exchange::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto* exchange = static_cast<Exchange*>(self);
  const auto peer = Address::of(&address->addr);
  if (exchange->request_.named_by_server && peer && peer->metadata()) {
    exchange->stop(Failure::forbidden,
                   {Fault::denied,
                    exchange->url_.origin() + ": refused, it is a link-local or metadata address"});
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace podpilot::oci::http
