namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What the simulator needs of a <c>server.conf</c>, read as leniently as Choria reads it.</summary>
internal sealed record NodeConfiguration
{
    private const string DefaultCollectiveV1 = "mcollective";
    private const string DefaultCollectiveV2 = "choria";
    private const int DefaultRegistrationSeconds = 300;

    /// <summary><c>plugin.choria.server.provision</c>; null when the option is absent.</summary>
    public bool? Provision { get; private init; }

    public string MiddlewareHosts { get; private init; } = "";

    /// <summary><c>plugin.nats.user</c>, for brokers that know nodes by a user; sent only with <see cref="Password"/>.</summary>
    public string? User { get; private init; }

    /// <summary><c>plugin.nats.pass</c>.</summary>
    public string? Password { get; private init; }

    /// <summary>Whether security is by tokens: <c>plugin.security.provider = choria</c>.</summary>
    public bool UsesTokens { get; private init; }

    public IReadOnlyList<string> Collectives { get; private init; } = [];

    public string? Identity { get; private init; }

    public string? LogFile { get; private init; }

    /// <summary>The ed25519 keys of the organisations whose tokens are believed, by name.</summary>
    public IReadOnlyDictionary<string, string> Issuers { get; private init; } = new Dictionary<string, string>();

    /// <summary>The same as one text, to compare.</summary>
    public string IssuersText { get; private init; } = "";

    /// <summary>Whether the node signs its replies; only with tokens.</summary>
    public bool SignsReplies { get; private init; } = true;

    /// <summary>Whether a client certificate is configured beside the tokens.</summary>
    public bool PresentsCertificate { get; private init; }

    /// <summary>How often it registers its inventory: <c>registerinterval</c>; null when <c>registration</c> does not name it.</summary>
    public TimeSpan? RegistrationInterval { get; private init; }

    /// <summary><c>registration_splay</c>: whether the first registration waits for a random part of the interval.</summary>
    public bool SplaysRegistration { get; private init; } = true;

    public static NodeConfiguration From(IReadOnlyDictionary<string, string> settings)
    {
        var usesTokens = Text(settings, "plugin.security.provider") == "choria";
        var issuers = ReadIssuers(settings);
        return new NodeConfiguration
        {
            Provision = settings.TryGetValue("plugin.choria.server.provision", out var provision) ? IsTrue(provision) : null,
            MiddlewareHosts = Text(settings, "plugin.choria.middleware_hosts"),
            User = settings.GetValueOrDefault("plugin.nats.user"),
            Password = settings.GetValueOrDefault("plugin.nats.pass"),
            UsesTokens = usesTokens,
            Collectives = ReadCollectives(settings, usesTokens ? DefaultCollectiveV2 : DefaultCollectiveV1),
            Identity = settings.GetValueOrDefault("identity"),
            LogFile = settings.GetValueOrDefault("logfile"),
            Issuers = issuers,
            IssuersText = string.Join(',', issuers.Select(issuer => $"{issuer.Key}={issuer.Value}")),
            SignsReplies = !settings.TryGetValue("plugin.security.choria.sign_replies", out var signs) || IsTrue(signs),
            RegistrationInterval = ReadRegistrationInterval(settings),
            SplaysRegistration = !settings.TryGetValue("registration_splay", out var splays) || IsTrue(splays),
            PresentsCertificate = !usesTokens || settings.ContainsKey("plugin.security.choria.certificate"),
        };
    }

    /// <summary>What <c>reprovision</c> writes.</summary>
    public static NodeConfiguration ForReprovisioning(string? logFile) => new() { Provision = true, LogFile = logFile };

    /// <summary>The same at other brokers.</summary>
    public NodeConfiguration At(string middlewareHosts) => this with { MiddlewareHosts = middlewareHosts };

    // Choria ignores what it cannot convert: the default, false, stays in force.
    private static bool IsTrue(string value) => value.Trim().ToUpperInvariant() is "1" or "YES" or "TRUE" or "Y" or "T";

    private static string Text(IReadOnlyDictionary<string, string> settings, string key) => settings.GetValueOrDefault(key, "").Trim();

    private static TimeSpan? ReadRegistrationInterval(IReadOnlyDictionary<string, string> settings)
    {
        var plugins = Text(settings, "registration").Split(',', StringSplitOptions.TrimEntries);
        return plugins.Contains("inventory_content")
            ? TimeSpan.FromSeconds(
                int.TryParse(Text(settings, "registerinterval"), out var seconds) && seconds > 0 ? seconds : DefaultRegistrationSeconds)
            : null;
    }

    private static string[] ReadCollectives(IReadOnlyDictionary<string, string> settings, string fallback)
    {
        var listed = Text(settings, "collectives").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var all = listed.Length > 0 ? listed : [fallback];
        var main = Text(settings, "main_collective");
        return main.Length == 0 || main == all[0] ? all : [main, .. all.Where(collective => collective != main)];
    }

    private static Dictionary<string, string> ReadIssuers(IReadOnlyDictionary<string, string> settings) =>
        Text(settings, "plugin.security.issuer.names")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Distinct()
            .ToDictionary(name => name, name => Text(settings, $"plugin.security.issuer.{name}.public"));
}
