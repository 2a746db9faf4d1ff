namespace ControlPlane.Adapters.Fleet;

/// <summary>The brokers of a network and how we log in to them.</summary>
public class BrokerLoginOptions
{
    /// <summary>The brokers as the silo reaches them, e.g. <c>nats://broker1.example.net:4222</c>. At least one.</summary>
    public List<string> Urls { get; set; } = [];

    /// <summary>The NATS user; <c>provisioner</c> on a Choria broker's provisioning account.</summary>
    public string? User { get; set; }

    /// <summary>Path of the file with the user's password.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>Path of a Choria client token (JWT) to log in with.</summary>
    public string? TokenFile { get; set; }

    /// <summary>Path of the Ed25519 seed (64 hexadecimal digits) that goes with <see cref="TokenFile"/>.</summary>
    public string? SeedFile { get; set; }

    /// <summary>Path of the PEM file with the CAs that the broker's certificate is verified by; the machine's own when not given.</summary>
    public string? CaFile { get; set; }

    /// <summary>Path of our client certificate (PEM), where the broker demands one.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>Path of the key (PEM) that goes with <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; set; }

    /// <summary>Whether the connection is encrypted. True by default; false only for brokers on loopback.</summary>
    public bool Tls { get; set; } = true;

    /// <summary>
    /// Whether the broker speaks TLS from the first byte (nats-server's <c>handshake_first</c>), before it has said who it is. False by
    /// default, as Choria's brokers do it.
    /// </summary>
    public bool TlsFirst { get; set; }
}
