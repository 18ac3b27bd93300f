// SPDX-License-Identifier: Apache-2.0
// Messages between real daemons, as they went over the wire: every line is one value, an integer or
// a string in quotes. Recorded without encryption.
#pragma once

#include <cstddef>
#include <string_view>

namespace podpilot::test {

struct Captured {
  std::string_view release;  // of the sender
  std::string_view what;
  std::size_t length;  // of the message, as it was sent
  std::string_view values;
};

// clang-format off
inline constexpr Captured kCaptured[] = {
    {"23.9.6", "DC_AUTHENTICATE", 797, R"~(
60010
22
'Enact = "NO"'
'Command = 60010'
'Integrity = "NEVER"'
'ServerPid = 12'
'Subsystem = "SCHEDD"'
'Encryption = "NEVER"'
'IssuerKeys = "POOL"'
'NewSession = "YES"'
'AuthCommand = 421'
'AuthMethods = "FS,TOKEN,KERBEROS,SCITOKENS,SSL"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'ConnectSinful = "<127.0.0.1:9672?addrs=127.0.0.1-9672&alias=127-0-0-1.pool>"'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BP4hRR73WWlXn/EpxhHiA4r/DZcv3bkeUmI45sypuv81GYTeZmgD3IMQzz1OTX7tZtD4OEadcNMubmkaaLHaI9c="'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
'Authentication = "REQUIRED"'
'ParentUniqueID = "127-0-0-1:7:1795296100"'
'SessionDuration = "86400"'
'NegotiatedSession = true'
'ServerCommandSock = "<127.0.0.1:9675?addrs=127.0.0.1-9675&alias=127-0-0-1.pool>"'
'OutgoingNegotiation = "REQUIRED"'
''
''
)~"},
    {"23.9.6", "DC_AUTHENTICATE", 507, R"~(
15
'Enact = "YES"'
'Integrity = "NO"'
'Encryption = "NO"'
'IssuerKeys = "POOL"'
'AuthMethods = "FS"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BKdcyCKkOSf+0spLMWH6jRUmLcqOA7xj+lnoN5xF1yXecGiULJ9f2MBpEYp1t9ixvMD3HYe4pDFGYs7CPV38WSQ="'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
'Authentication = "YES"'
'AuthMethodsList = "FS,TOKEN,KERBEROS,SCITOKENS,SSL"'
'SessionDuration = "86400"'
'CryptoMethodsList = "3DES"'
'NegotiatedSession = true'
''
''
)~"},
    {"23.9.6", "DC_AUTHENTICATE", 260, R"~(
5
'Sid = "127-0-0-1:11:1795296108:0"'
'User = "tester@pool"'
'ReturnCode = "AUTHORIZED"'
'ValidCommands = "60000,60008,60002,60003,60026,60017,60046,60047,60048,60049,60050,421,60021,60052,459,60007,457,60020,451,514,512,463,50,78"'
'TriedAuthentication = true'
''
''
)~"},
    {"25.14.1", "DC_AUTHENTICATE", 825, R"~(
60010
23
'Enact = "NO"'
'Command = 60010'
'Integrity = "NEVER"'
'ServerPid = 12'
'Subsystem = "SCHEDD"'
'Encryption = "NEVER"'
'IssuerKeys = "POOL"'
'NewSession = "YES"'
'AuthCommand = 421'
'AuthMethods = "FS,TOKEN,KERBEROS,SCITOKENS,SSL"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'ConnectSinful = "<127.0.0.1:9650?addrs=127.0.0.1-9650&alias=127-0-0-1.pool>"'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BGP6ReEF3kkAgGZR80uWxqifE5TuQDe77gQJ+MczJstZjG+2iOdwp3e+DkmZWVyJYkDtdr8RQhB6ENrsuHZJgCE="'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
'Authentication = "OPTIONAL"'
'ParentUniqueID = "127-0-0-1:8:1795296119"'
'SessionDuration = "86400"'
'AuthenticationNew = "OPTIONAL"'
'NegotiatedSession = true'
'ServerCommandSock = "<127.0.0.1:9666?addrs=127.0.0.1-9666&alias=127-0-0-1.pool>"'
'OutgoingNegotiation = "PREFERRED"'
''
''
)~"},
    {"25.14.1", "DC_AUTHENTICATE", 503, R"~(
15
'Enact = "YES"'
'Integrity = "NO"'
'Encryption = "NO"'
'IssuerKeys = "POOL"'
'AuthMethods = "FS"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BATlMHwiYj1TdTddAittM+ytPuLwC9hVA4MbxsFpo+mIylppYpZw5qpO16XKWQCnmETbo2HGCGlX6ppl7B2iYuc="'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
'Authentication = "YES"'
'AuthMethodsList = "FS,TOKEN,KERBEROS,SCITOKENS,SSL"'
'SessionDuration = "86400"'
'CryptoMethodsList = "3DES"'
'NegotiatedSession = true'
''
''
)~"},
    {"25.14.1", "DC_AUTHENTICATE", 256, R"~(
5
'Sid = "127-0-0-1:11:1795296126:0"'
'User = "tester@pool"'
'ReturnCode = "AUTHORIZED"'
'ValidCommands = "60000,60008,60002,60003,60026,60017,60046,60047,60048,60049,60050,421,60021,60052,459,60007,457,60020,451,514,463,50,78"'
'TriedAuthentication = true'
''
''
)~"},
    {"25.14.1", "NEGOTIATE", 470, R"~(
60010
9
'Command = 416'
'ConnectSinful = "<127.0.0.1:9666?addrs=127.0.0.1-9666&alias=127-0-0-1.pool>"'
'CryptoMethods = "3DES"'
'Nonce = "pMF272B2uk7IOh3NemDybV/xzCQ7MFOaw6OXHEpYAh+F"'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
'ResumeResponse = true'
'ServerCommandSock = "<127.0.0.1:9650?addrs=127.0.0.1-9650&alias=127-0-0-1.pool>"'
'Sid = "<127.0.0.1:9666?addrs=127.0.0.1-9666&alias=127-0-0-1.pool>#1795296119#5"'
'UseSession = "YES"'
''
''
)~"},
    {"25.14.1", "NEGOTIATE", 172, R"~(
3
'Nonce = "nSWR4OjW4WZKlFr7JiR/6w9mfkT07oX7NbGc0366VfA1"'
'ReturnCode = "AUTHORIZED"'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
''
''
)~"},
    {"23.9.6", "NEGOTIATE", 474, R"~(
60010
9
'Command = 416'
'ConnectSinful = "<127.0.0.1:9675?addrs=127.0.0.1-9675&alias=127-0-0-1.pool>"'
'CryptoMethods = "3DES"'
'Nonce = "Eg4NdQs+kuzuGyuhBn7BuQtW0GPitjJzylyPMvGF6bWc"'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
'ResumeResponse = true'
'ServerCommandSock = "<127.0.0.1:9672?addrs=127.0.0.1-9672&alias=127-0-0-1.pool>"'
'Sid = "<127.0.0.1:9675?addrs=127.0.0.1-9675&alias=127-0-0-1.pool>#1795296101#5"'
'UseSession = "YES"'
''
''
)~"},
    {"23.9.6", "NEGOTIATE", 176, R"~(
3
'Nonce = "XgIu/+A0yImqYTKhFKS+S5gm6DCnWtv9MM/hg9k+NBVk"'
'ReturnCode = "AUTHORIZED"'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
''
''
)~"},
    {"23.9.6", "CCB_REVERSE_CONNECT+REQUEST_CLAIM", 660, R"~(
60010
9
'Command = 442'
'ConnectSinful = "<127.0.0.1:9725?CCBID=127.0.0.1:9618%3faddrs%3d127.0.0.1-9618%26alias%3d127-0-0-1.pool#1&PrivNet=glidein-net&addrs=127.0.0.1-9725&alias=127-0-0-1.pool>"'
'CryptoMethods = "3DES"'
'Nonce = "mo/QKoYu94TpHYKItFjgAMscyfJ2dDofu6bQyHbfrZc/"'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
'ResumeResponse = true'
'ServerCommandSock = "<127.0.0.1:9675?addrs=127.0.0.1-9675&alias=127-0-0-1.pool>"'
'Sid = "<127.0.0.1:9725?CCBID=127.0.0.1:9618%3faddrs%3d127.0.0.1-9618%26alias%3d127-0-0-1.pool#1&PrivNet=glidein-net&addrs=127.0.0.1-9725&alias=127-0-0-1.pool>#1795296103#1"'
'UseSession = "YES"'
''
''
)~"},
    {"23.9.6", "CCB_REVERSE_CONNECT+REQUEST_CLAIM", 176, R"~(
3
'Nonce = "AEVS+n2tLPPjZHEhp14t2mNJOWdm3VI/B+2AdZUauHs/"'
'ReturnCode = "AUTHORIZED"'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
''
''
)~"},
    {"25.14.1", "CCB_REVERSE_CONNECT+REQUEST_CLAIM", 656, R"~(
60010
9
'Command = 442'
'ConnectSinful = "<127.0.0.1:9757?CCBID=127.0.0.1:9618%3faddrs%3d127.0.0.1-9618%26alias%3d127-0-0-1.pool#1&PrivNet=glidein-net&addrs=127.0.0.1-9757&alias=127-0-0-1.pool>"'
'CryptoMethods = "3DES"'
'Nonce = "EKhHZ66QOAHRspW7DHNHzjbRJloVIGy6C+H0utAd+Tde"'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
'ResumeResponse = true'
'ServerCommandSock = "<127.0.0.1:9666?addrs=127.0.0.1-9666&alias=127-0-0-1.pool>"'
'Sid = "<127.0.0.1:9757?CCBID=127.0.0.1:9618%3faddrs%3d127.0.0.1-9618%26alias%3d127-0-0-1.pool#1&PrivNet=glidein-net&addrs=127.0.0.1-9757&alias=127-0-0-1.pool>#1795296120#1"'
'UseSession = "YES"'
''
''
)~"},
    {"25.14.1", "CCB_REVERSE_CONNECT+REQUEST_CLAIM", 172, R"~(
3
'Nonce = "pcy8YKk2a9ZrAcs6jKGtOtF9KKUyufzHSsH6nZ5HLlz2"'
'ReturnCode = "AUTHORIZED"'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
''
''
)~"},
    {"25.14.1", "CCB_REGISTER+CCB_REQUEST", 670, R"~(
60010
20
'Enact = "NO"'
'Command = 67'
'Integrity = "NEVER"'
'ServerPid = 7'
'Subsystem = "STARTD"'
'Encryption = "NEVER"'
'NewSession = "YES"'
'AuthMethods = "TOKEN"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'ConnectSinful = "<127.0.0.1:9618>"'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BCJd+07Mw2a+8zk0dr04avJPfQSivtz9ZfwdUvyMNAcHlXL3Y7GAJR3FwFo5ja9zIu5IvGFoYQRk8XgZiP7XqpQ="'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
'Authentication = "OPTIONAL"'
'SessionDuration = "60"'
'AuthenticationNew = "OPTIONAL"'
'NegotiatedSession = true'
'ServerCommandSock = "<127.0.0.1:9757?addrs=127.0.0.1-9757&alias=127-0-0-1.pool>"'
'OutgoingNegotiation = "PREFERRED"'
''
''
)~"},
    {"25.14.1", "CCB_REGISTER+CCB_REQUEST", 477, R"~(
15
'Enact = "YES"'
'Integrity = "NO"'
'Encryption = "NO"'
'IssuerKeys = "POOL"'
'AuthMethods = "TOKEN"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BKS2SDs08Xa8JpeA03JV0qjePyX8aVqaNXubq5Zcx9AtwnJZiSQjYC7wr+fXhFUW+fukXJNJ2Tcmok87snU9mDI="'
'RemoteVersion = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"'
'Authentication = "YES"'
'AuthMethodsList = "TOKEN"'
'SessionDuration = "60"'
'CryptoMethodsList = "3DES"'
'NegotiatedSession = true'
''
''
)~"},
    {"25.14.1", "CCB_REGISTER+CCB_REQUEST", 323, R"~(
5
'Sid = "127-0-0-1:10:1795296119:6"'
'User = "pilot@pool"'
'ReturnCode = "AUTHORIZED"'
'ValidCommands = "60000,60008,60002,60003,60026,60017,60046,60047,60048,60049,60050,67,17,44,21,47,57,59,72,42,4,19,45,55,58,70,80,81,60021,60052,60007,457,60020,68,5,6,7,9,12,43,20,46,78,50,56,48,71,74,53"'
'TriedAuthentication = true'
''
''
)~"},
    {"23.9.6", "CCB_REGISTER+CCB_REQUEST", 642, R"~(
60010
19
'Enact = "NO"'
'Command = 67'
'Integrity = "NEVER"'
'ServerPid = 7'
'Subsystem = "STARTD"'
'Encryption = "NEVER"'
'NewSession = "YES"'
'AuthMethods = "TOKEN"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'ConnectSinful = "<127.0.0.1:9618>"'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BMkJoeKZl8WZz+p4cfDExUaCrrusBljGZGvCCnqQrFA4mQY/I57ynkWGf0BtGwbOuCSlshV9OSK3PllPIVuEezo="'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
'Authentication = "REQUIRED"'
'SessionDuration = "60"'
'NegotiatedSession = true'
'ServerCommandSock = "<127.0.0.1:9725?addrs=127.0.0.1-9725&alias=127-0-0-1.pool>"'
'OutgoingNegotiation = "REQUIRED"'
''
''
)~"},
    {"23.9.6", "CCB_REGISTER+CCB_REQUEST", 481, R"~(
15
'Enact = "YES"'
'Integrity = "NO"'
'Encryption = "NO"'
'IssuerKeys = "POOL"'
'AuthMethods = "TOKEN"'
'TrustDomain = "pool"'
'SessionLease = 3600'
'CryptoMethods = "3DES"'
'ECDHPublicKey = "BOZa/4nRtx5MMFb3agZ9l+/ypBHJpXR1DCCvUAFmu/pwYnXBB5zGoda+0vLn2xLE5I+ZQLF7YHm2e8n0+Frrrp4="'
'RemoteVersion = "$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $"'
'Authentication = "YES"'
'AuthMethodsList = "TOKEN"'
'SessionDuration = "60"'
'CryptoMethodsList = "3DES"'
'NegotiatedSession = true'
''
''
)~"},
    {"23.9.6", "CCB_REGISTER+CCB_REQUEST", 323, R"~(
5
'Sid = "127-0-0-1:10:1795296103:6"'
'User = "pilot@pool"'
'ReturnCode = "AUTHORIZED"'
'ValidCommands = "60000,60008,60002,60003,60026,60017,60046,60047,60048,60049,60050,67,17,44,21,47,57,59,72,42,4,19,45,55,58,70,80,81,60021,60052,60007,457,60020,68,5,6,7,9,12,43,20,46,78,50,56,48,71,74,53"'
'TriedAuthentication = true'
''
''
)~"},
};
// clang-format on

}  // namespace podpilot::test
