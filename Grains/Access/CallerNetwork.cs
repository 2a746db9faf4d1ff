using System.Net;
using System.Net.Sockets;

namespace ControlPlane.Access;

/// <summary>Whom an address is counted as, where addresses are limited: who has an IPv6 address has 2^64 of them.</summary>
public static class CallerNetwork
{
    private const int NetworkBytes = 8;

    /// <summary>Of IPv6 its network of 64 bits; an IPv4 address itself, however it is written.</summary>
    public static IPAddress Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        var bytes = address.GetAddressBytes();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            bytes.AsSpan(NetworkBytes).Clear();
        }

        return new IPAddress(bytes);
    }

    /// <summary>The same of an address in words, for records; what is no address is itself.</summary>
    public static string Of(string? address) => !IPAddress.TryParse(address, out var parsed) ? address ?? ""
        : Of(parsed) is { AddressFamily: AddressFamily.InterNetworkV6 } network ? $"{network}/64"
        : $"{Of(parsed)}";
}
