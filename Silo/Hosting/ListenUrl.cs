using System.Net;

namespace ControlPlane.Hosting;

/// <summary>Where to listen for HTTP, as configurations write it.</summary>
/// <param name="Endpoint">Address and port.</param>
/// <param name="Tls">Whether it speaks HTTPS.</param>
internal sealed record ListenUrl(IPEndPoint Endpoint, bool Tls)
{
    /// <summary>What is wrong with a text that <see cref="Parse"/> does not read.</summary>
    public static string FaultOf(string url) =>
        $"must be http:// or https://, an IP address or localhost, and a port, is '{url}'";

    /// <summary>
    /// Reads <c>http://</c> or <c>https://</c>, an address of this machine (or <c>localhost</c>) and a port; null for all else.
    /// </summary>
    public static ListenUrl? Parse(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.PathAndQuery != "/")
        {
            return null;
        }

        var host = uri.IdnHost == "localhost" ? IPAddress.Loopback.ToString() : uri.IdnHost;
        return IPAddress.TryParse(host, out var address) ? new ListenUrl(new IPEndPoint(address, uri.Port), uri.Scheme == "https") : null;
    }
}
