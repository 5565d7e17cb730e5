#include "libudpserver/session/port_name.hpp"

#include <algorithm>
#include <array>

namespace session {

namespace {

struct Service {
    std::uint16_t port;
    std::string_view name;
};

// Sorted by port: the UDP services of IANA's registry that a firewall is likely to see.
constexpr auto services = std::to_array<Service>({
    {7, "echo"},           {9, "discard"},         {13, "daytime"},        {19, "chargen"},
    {37, "time"},          {53, "domain"},         {67, "bootps"},         {68, "bootpc"},
    {69, "tftp"},          {88, "kerberos"},       {111, "sunrpc"},        {123, "ntp"},
    {137, "netbios-ns"},   {138, "netbios-dgm"},   {161, "snmp"},          {162, "snmp-trap"},
    {177, "xdmcp"},        {319, "ptp-event"},     {320, "ptp-general"},   {389, "ldap"},
    {443, "https"},        {464, "kpasswd"},       {500, "isakmp"},        {514, "syslog"},
    {520, "route"},        {546, "dhcpv6-client"}, {547, "dhcpv6-server"}, {623, "asf-rmcp"},
    {853, "domain-s"},     {1194, "openvpn"},      {1645, "datametrics"},  {1646, "sa-msg-port"},
    {1701, "l2f"},         {1718, "h323gatedisc"}, {1719, "h323gatestat"}, {1812, "radius"},
    {1813, "radius-acct"}, {1900, "ssdp"},         {2049, "nfs"},          {2055, "iop"},
    {2123, "gtp-control"}, {2152, "gtp-user"},     {3478, "stun"},         {3784, "bfd-control"},
    {4500, "ipsec-nat-t"}, {4739, "ipfix"},        {4789, "vxlan"},        {5004, "rtp-data"},
    {5005, "rtcp-data"},   {5060, "sip"},          {5061, "sips"},         {5353, "mdns"},
    {5355, "hostmon"},     {5683, "coap"},         {5684, "coaps"},        {6081, "geneve"},
    {6343, "sflow"},
});
static_assert(std::is_sorted(services.begin(), services.end(),
                             [](const Service& a, const Service& b) { return a.port < b.port; }));

}  // namespace

std::string_view port_name(std::uint16_t port) {
    const auto found =
        std::lower_bound(services.begin(), services.end(), port,
                         [](const Service& service, std::uint16_t p) { return service.port < p; });
    return found != services.end() && found->port == port ? found->name : std::string_view();
}

}  // namespace session
