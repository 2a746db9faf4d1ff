namespace ControlPlane.Adapters.Transport;

/// <summary>By what the ends of a connection between Orleans processes know one another.</summary>
public abstract record PeerCredentials
{
    private PeerCredentials()
    {
    }

    /// <summary>Certificates that name the site (<see cref="PeerName"/>). The files are read again at each connection.</summary>
    /// <param name="CertificateFile">The own certificate, its intermediates below it, PEM.</param>
    /// <param name="KeyFile">Its key, PEM.</param>
    /// <param name="CaFile">The CAs to which the other end's certificate must lead, PEM.</param>
    public sealed record Certificate(string CertificateFile, string KeyFile, string CaFile) : PeerCredentials;

    /// <summary>
    /// A secret that the processes of one machine share. It proves who may connect and encrypts nothing: for loopback alone.
    /// </summary>
    /// <param name="File">The file that holds it, as <see cref="LocalSecret"/> makes it.</param>
    public sealed record Secret(string File) : PeerCredentials;
}
