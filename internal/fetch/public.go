package fetch

import "net/netip"

// reserved are the networks inside the ranges of public addresses that lead
// back into a house, nowhere, or through a translator to any address at all.
var reserved = prefixes(
	// IPv4 (RFC 6890 and its registry)
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, and clouds' metadata
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.31.196.0/24", // AS112
	"192.52.193.0/24", // AMT
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"192.175.48.0/24", // AS112
	"198.18.0.0/15",   // benchmarking
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
	// IPv6 inside 2000::/3
	"2001::/23",     // Teredo, ORCHID, benchmarking and other assignments
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4: an IPv4 address in disguise
	"2620:4f:8000::/48",
	"3fff::/20", // documentation
)

// unicast6 is where IPv6 addresses of the public Internet are; everything else
// (loopback, mapped and NAT64 addresses, unique local, link-local, multicast)
// is refused because it is not in here.
var unicast6 = netip.MustParsePrefix("2000::/3")

// Public reports whether an address belongs to the public Internet. A mapped
// IPv4 address is judged as the IPv4 address it stands for.
func Public(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Is6() && !unicast6.Contains(ip) {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

func prefixes(all ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(all))
	for i, p := range all {
		list[i] = netip.MustParsePrefix(p)
	}
	return list
}
