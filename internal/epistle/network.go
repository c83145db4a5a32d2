package epistle

import "net/netip"

// NetworkOf is what a limit counts as one visitor: an IPv4 address, or the /64
// of an IPv6 address, since a household may change freely within it. What is no
// address at all comes back as it is.
func NetworkOf(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return ip
	}
	return prefix.String()
}
