using ControlPlane.Adapters.Choria;

namespace ControlPlane.TestKit.Stage;

/// <summary>The configurations of a stage's silos, YAML.</summary>
internal sealed class StageConfiguration(
    EnrolmentStageOptions options, string folder, TestPki pki, StageSecrets secrets, StageBrokers brokers, string issuerPublicKey)
{
    /// <summary>Who the control plane is to nodes: one caller for the whole region.</summary>
    public const string CallerName = $"{EnrolmentStage.Region}.controlplane.mcollective";

    public static string CalloutSeedFile(string folder) => Path.Combine(folder, "callout.nk");

    public string Of(int site, RedisServer redis, Uri api, Uri health)
    {
        var client = pki.ClientCertificate("controlplane");

        // Nodes of protocol v1 accept callers that their CA signed, by an RSA key.
        var caller = pki.CallerCertificate(CallerName);
        return $"""
            Silo:
              Port: {LoopbackPort.Free()}
              SecretFile: {folder}/silo.secret
            {options.MoreSilo}
            Redis:
              Endpoints: [ "127.0.0.1:{redis.Port}" ]
            Api:
              Listen: [ "{api.ToString().TrimEnd('/')}" ]
            Health:
              Listen: [ "{health.ToString().TrimEnd('/')}" ]
            Overlays:
              Region: {EnrolmentStage.Region}
              Local: {EnrolmentStage.NameOf(site)}
              Leader: {EnrolmentStage.Overlay}
              Members:
            {string.Concat(brokers.Overlays.Select((broker, number) => Member(number, broker)))}
            Certificates:
              SharedKeys: true
              Profiles:
                node:
                  Issuers: [ local ]
            {(options.CertificateLifetime is { } life ? $"      Lifetime: {life}" : "")}
            LocalCa:
              local:
                DataFolder: {folder}/{(site == 0 ? "ca" : $"ca-{site + 1}")}
                CertificatePath: {pki.AuthorityPath}
                KeyPath: {Path.ChangeExtension(pki.AuthorityPath, ".key")}
            Provisioning:
              V2Credentials: {options.V2Credentials}
              Issuers:
                choria: {issuerPublicKey}
            {options.MoreProvisioning}
            Fleet:
              SharedSecretFile: {secrets.SharedSecretFile}
              ProvisioningTokenSignerFiles: [ {secrets.SignerPublicFile} ]
              ServerTokenSeedFile: {secrets.ChainSeedFile}
              ServerTokenIssuerTokenFile: {secrets.ChainTokenFile}
            {Reception(site, client)}
              Caller: {EnrolmentStage.CallerId}
              CallerProof:
                TokenFile: {secrets.CallerTokenFile}
                SeedFile: {secrets.CallerSeedFile}
                CertificateFile: {caller.CertificatePath}
                KeyFile: {caller.KeyPath}
              Overlays:
            {string.Concat(brokers.Overlays.Select((broker, number) => Network(site, number, broker, client)))}
            {Access(site, client)}
            {options.MoreConfiguration}
            """;
    }

    private string Reception(int site, PkiFiles client) => brokers.ProvisioningOf(site) is not { } broker ? "" : $"""
              Provisioning:
                Urls: [ "{broker.Url}" ]
                User: provisioner
                PasswordFile: {secrets.ProvisionerPasswordFile}
            {LogIn("    ", client, secrets.ChainTokenFile, secrets.ChainSeedFile)}
                Connections: 2
                {(options.ChoriaBrokers ? "StreamName: \"\"" : "CreateStream: true")}
            """;

    private string Access(int site, PkiFiles client) => !options.DecidesLogIns ? "" : $"""
            Access:
              Brokers:
                IssuerSeedFile: {CalloutSeedFile(folder)}
                Networks:
            {string.Concat(brokers.Of(options.OwnClusters ? site : null).Select((broker, number) => $"""
                  network-{number}:
                    Urls: [ "{broker.Url}" ]
                    User: access
                    PasswordFile: {secrets.ControlPlanePasswordFile}
                    CaFile: {pki.AuthorityPath}
                    CertificateFile: {client.CertificatePath}
                    KeyFile: {client.KeyPath}

            """))}
            """;

    private string Member(int number, NatsServer broker) => $"""
                {EnrolmentStage.NameOf(number)}:
                  Brokers: [ "{broker.Url}" ]
                  Collectives: [ choria ]
                  CertificateProfile: node
            {(options.OwnClusters || number == 0 ? "" : $"""
                  ServedBy: {EnrolmentStage.Overlay}
            """)}
            {(options.HardLimit is { } limit ? $"""
                  HardLimit: {limit}
                  SoftLimit: {limit}
            """ : "")}
                  Configuration:
                    loglevel: info
                    rpcauthorization: "0"
            {(options.MutualTls || options.DecidesLogIns || options.ChoriaBrokers ? "" : $"""
                    plugin.nats.user: node
                    plugin.nats.pass: {File.ReadAllText(secrets.NodePasswordFile)}
            """)}
            {(options.RegistrationInterval is { } interval ? $"""
                    registration: inventory_content
                    registerinterval: {interval.TotalSeconds:0}
            """ : "")}

            """;

    private string Network(int site, int number, NatsServer broker, PkiFiles client) => $"""
                {EnrolmentStage.NameOf(number)}:
                  Urls: [ "{broker.Url}" ]
            {(options.ChoriaBrokers ? "" : $"""
                  User: controlplane
                  PasswordFile: {secrets.ControlPlanePasswordFile}
            """)}
            {LogIn("      ", client, secrets.CallerTokenFile, secrets.CallerSeedFile)}
                  CreateStream: true
            {(options.RegistrationInterval is null ? "" : $"""
                  RegistrationStreamName: CHORIA_REGISTRATION
                  NodeCaFile: {pki.AuthorityPath}
            """)}

            """;

    // A token beside a certificate would be judged alone by a broker of v1, and refused.
    private string LogIn(string indent, PkiFiles client, string tokenFile, string seedFile)
    {
        string[] lines = options is { ChoriaBrokers: true, MutualTls: false }
            ? [$"TokenFile: {tokenFile}", $"SeedFile: {seedFile}"]
            : [$"CertificateFile: {client.CertificatePath}", $"KeyFile: {client.KeyPath}"];
        return string.Join('\n', lines.Prepend($"CaFile: {pki.AuthorityPath}").Select(line => indent + line));
    }
}
