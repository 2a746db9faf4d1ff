using System.CommandLine;
using System.Globalization;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator;

/// <summary>The options of the command line, one for each property of <see cref="SimulatedFleetOptions"/>.</summary>
internal sealed class FleetArguments
{
    private readonly Option<string> brokers = Text("--brokers", "The provisioning network: nats://host:port, comma separated");
    private readonly Option<int> nodes = Number("--nodes", "How many nodes", 1);
    private readonly Option<string?> identity = OptionalText("--identity", "Pattern of the identities: {n}, {n:00000}, {n%10}");
    private readonly Option<FleetProtocol> protocol = Choice("--protocol", "v1, v2 or both", FleetProtocol.V1);
    private readonly Option<string?> secret = OptionalText("--secret", "The cht claim");
    private readonly Option<string?> issuerSeed = OptionalText("--issuer-seed", "File with the ed25519 seed (hex) that signs V2 tokens");
    private readonly Option<string?> signerKey = OptionalText("--signer-key", "File with the RSA key (PEM) that signs V1 tokens");
    private readonly Option<string?> organization = OptionalText("--ou", "The ou claim");
    private readonly Option<string?> user = OptionalText("--user", "The chusr claim: NATS user of unprovisioned nodes");
    private readonly Option<string?> password = OptionalText("--password", "The chpwd claim");
    private readonly Option<bool> update = new("--allow-update") { Description = "The update claim" };
    private readonly Option<string?> facts = OptionalText("--facts", "File with the facts (JSON, the same placeholders)");
    private readonly Option<double> slowDelay = Seconds("--slow-delay", "How late slow replies are", 3);
    private readonly Option<double> lossRate = Seconds("--loss-rate", "Which part of their replies lossy nodes lose, 0 to 1", 0.3);
    private readonly Option<double> arriveWithin = Seconds("--arrive-within", "Over how many seconds the nodes start", 0);
    private readonly Option<double?> restartDelay = new("--restart-delay") { Description = "Seconds that a restart takes [as Choria]" };
    private readonly Option<int> keyPool = Number("--key-pool", "How many RSA keys to make beforehand", 0);
    private readonly Option<bool> pairKeys =
        new("--pair-keys") { Description = "Pair the pool of the primes of a few keys: distinct, and made in seconds" };
    private readonly Option<string?> keyFolder = OptionalText("--key-folder", "Where the pool is kept for the next run");
    private readonly Option<int> nodesPerConnection = Number("--nodes-per-connection", "How many nodes share a connection", 1);
    private readonly Option<int> connectsAtOnce = Number("--connects-at-once", "How many connections are made at the same time", 64);
    private readonly Option<bool> fullHandshakes = new("--full-handshakes") { Description = "Do not resume TLS sessions" };
    private readonly Option<double> aliveInterval = Seconds("--alive-interval", "Seconds between alive events", 1800);
    private readonly Option<int> seed = Number("--seed", "Where all randomness but the RSA keys comes from", 1);
    private readonly Dictionary<SimulatedFault, Option<string?>> faults = Enum.GetValues<SimulatedFault>()
        .Where(fault => fault != SimulatedFault.None)
        .ToDictionary(fault => fault, fault => OptionalText("--" + FaultNames.Of(fault), "Nodes with this fault: 50, or 10%"));

    public void AddTo(Command command)
    {
        Option[] all =
        [
            brokers, nodes, identity, protocol, secret, issuerSeed, signerKey, organization, user, password, update, facts, slowDelay,
            lossRate, arriveWithin, restartDelay, keyPool, pairKeys, keyFolder, nodesPerConnection, connectsAtOnce, fullHandshakes,
            aliveInterval, seed, .. faults.Values,
        ];
        brokers.Required = true;
        foreach (var option in all)
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="FormatException">The share of a fault cannot be read.</exception>
    /// <exception cref="IOException">A file that is named cannot be read.</exception>
    public SimulatedFleetOptions Read(ParseResult parsed)
    {
        var defaults = new SimulatedFleetOptions { Brokers = "" };
        return new SimulatedFleetOptions
        {
            Brokers = parsed.GetRequiredValue(brokers),
            Nodes = parsed.GetValue(nodes),
            IdentityPattern = parsed.GetValue(identity) ?? defaults.IdentityPattern,
            Protocol = parsed.GetValue(protocol),
            Secret = parsed.GetValue(secret) ?? defaults.Secret,
            IssuerSeed = Content(parsed.GetValue(issuerSeed)),
            SignerKeyPem = Content(parsed.GetValue(signerKey)),
            Organization = parsed.GetValue(organization) ?? defaults.Organization,
            User = parsed.GetValue(user),
            Password = parsed.GetValue(password),
            AllowUpdate = parsed.GetValue(update),
            FactsPattern = Content(parsed.GetValue(facts)) ?? defaults.FactsPattern,
            Faults = ReadFaults(parsed),
            SlowDelay = TimeSpan.FromSeconds(parsed.GetValue(slowDelay)),
            LossRate = parsed.GetValue(lossRate),
            ArriveWithin = TimeSpan.FromSeconds(parsed.GetValue(arriveWithin)),
            RestartDelay = parsed.GetValue(restartDelay) is { } delay ? TimeSpan.FromSeconds(delay) : null,
            KeyPool = parsed.GetValue(keyPool),
            PairKeys = parsed.GetValue(pairKeys),
            KeyFolder = parsed.GetValue(keyFolder),
            NodesPerConnection = parsed.GetValue(nodesPerConnection),
            ConnectsAtOnce = parsed.GetValue(connectsAtOnce),
            ResumeTls = !parsed.GetValue(fullHandshakes),
            AliveInterval = TimeSpan.FromSeconds(parsed.GetValue(aliveInterval)),
            Seed = parsed.GetValue(seed),
        };
    }

    private Dictionary<SimulatedFault, FaultShare> ReadFaults(ParseResult parsed)
    {
        var shares = new Dictionary<SimulatedFault, FaultShare>();
        foreach (var (fault, option) in faults)
        {
            if (parsed.GetValue(option) is { } share)
            {
                shares[fault] = FaultShare.Parse(share);
            }
        }

        return shares;
    }

    private static string? Content(string? path) => path is null ? null : File.ReadAllText(path);

    private static Option<string> Text(string name, string description) => new(name) { Description = description };

    private static Option<string?> OptionalText(string name, string description) => new(name) { Description = description };

    private static Option<int> Number(string name, string description, int otherwise) => Choice(name, description, otherwise);

    private static Option<double> Seconds(string name, string description, double otherwise) => Choice(name, description, otherwise);

    private static Option<TValue> Choice<TValue>(string name, string description, TValue otherwise) => new(name)
    {
        Description = string.Create(CultureInfo.InvariantCulture, $"{description} [{otherwise}]"),
        DefaultValueFactory = _ => otherwise,
    };
}
