// SPDX-License-Identifier: Apache-2.0
// Bearer tokens as distribution's token specification has them: what to ask whom, and what the
// answer says. Nothing is sent from here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oci/http/client.h"
#include "oci/http/url.h"
#include "oci/registry/credentials.h"
#include "oci/registry/www_authenticate.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct Token {
  Secret value;
  Clock::time_point expires;
};

// The host that `registry` names as its token server. It must be https, or, where the registry is
// plain http itself, http on the registry's own host; never a link-local or metadata address
// (CVE-2020-15157, CVE-2019-10214).
Result<http::Url> token_realm(const Challenge& challenge, const http::Url& registry);

// Asks for leave to pull `repository` and no more, whatever scope the challenge proposes.
Result<http::Request> token_request(const Challenge& challenge, const http::Url& registry,
                                    std::string_view repository,
                                    const std::optional<Credentials>& credentials);

Result<Token> parse_token(std::string_view body, Clock::time_point now);

// Value of an Authorization header.
Secret basic_authorization(const Credentials& credentials);
Secret bearer_authorization(const Token& token);

}  // namespace podpilot::oci
