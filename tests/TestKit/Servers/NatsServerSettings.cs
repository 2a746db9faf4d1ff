namespace ControlPlane.TestKit;

/// <summary>How a <see cref="NatsServer"/> is started.</summary>
public sealed record NatsServerSettings
{
    /// <summary>JetStream with its store in <see cref="DataFolder"/>; a <see cref="ConfigurationFile"/> says so itself.</summary>
    public bool JetStream { get; init; }

    /// <summary>Where JetStream stores. A temporary folder that is removed on dispose by default.</summary>
    public string? DataFolder { get; init; }

    /// <summary>TLS for clients; none by default.</summary>
    public NatsServerTls? Tls { get; init; }

    /// <summary>
    /// A whole configuration file, used instead of a generated one. The ports are still given on the command line, where they win over the
    /// file; JetStream's store is the file's.
    /// </summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>Text added to the generated configuration: accounts, users, limits.</summary>
    public string Configuration { get; init; } = "";

    /// <summary>Environment variables that the configuration names as <c>$NAME</c>.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The client port; a free one by default.</summary>
    public int? Port { get; init; }

    /// <summary>The name; the port's number by default.</summary>
    public string? Name { get; init; }

    /// <summary>One of <see cref="NatsPrograms"/>; the installed one by default.</summary>
    public string Program { get; init; } = NatsPrograms.Installed;
}

/// <param name="CertificatePath">The server certificate, PEM.</param>
/// <param name="KeyPath">Its key, PEM.</param>
/// <param name="ClientAuthorityPath">When set, clients must show a certificate that this CA signed.</param>
/// <param name="AllowPlain">Clients may also connect without TLS.</param>
public sealed record NatsServerTls(string CertificatePath, string KeyPath, string? ClientAuthorityPath = null, bool AllowPlain = false);
