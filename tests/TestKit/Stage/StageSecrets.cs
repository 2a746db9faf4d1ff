using System.Security.Cryptography;

namespace ControlPlane.TestKit.Stage;

/// <summary>The throw-away keys and passwords of one stage, as files that the silo's configuration names.</summary>
public sealed class StageSecrets
{
    private const int SeedBytes = 32;

    private StageSecrets(string folder)
    {
        SharedSecretFile = Path.Combine(folder, "shared-secret");
        ProvisionerPasswordFile = Path.Combine(folder, "provisioner-password");
        ControlPlanePasswordFile = Path.Combine(folder, "controlplane-password");
        IssuerSeedFile = Path.Combine(folder, "issuer.seed");
        ChainSeedFile = Path.Combine(folder, "chain.seed");
        ChainTokenFile = Path.Combine(folder, "chain.jwt");
        CallerSeedFile = Path.Combine(folder, "caller.seed");
        CallerTokenFile = Path.Combine(folder, "caller.jwt");
        SignerFile = Path.Combine(folder, "signer.pem");
        SignerPublicFile = Path.Combine(folder, "signer.public.pem");
        UnprovisionedPasswordFile = Path.Combine(folder, "unprovisioned-password");
        NodePasswordFile = Path.Combine(folder, "node-password");
    }

    public string SharedSecretFile { get; }

    public string ProvisionerPasswordFile { get; }

    public string ControlPlanePasswordFile { get; }

    public string UnprovisionedPasswordFile { get; }

    public string NodePasswordFile { get; }

    /// <summary>The organisation issuer's Ed25519 seed.</summary>
    public string IssuerSeedFile { get; }

    /// <summary>The Ed25519 seed of a chain issuer, which signs server tokens and is the provisioner on Choria's brokers.</summary>
    public string ChainSeedFile { get; }

    /// <summary>The client token that goes with <see cref="ChainSeedFile"/>.</summary>
    public string ChainTokenFile { get; }

    /// <summary>The Ed25519 seed with which the control plane signs requests of protocol v2.</summary>
    public string CallerSeedFile { get; }

    /// <summary>The client token that goes with <see cref="CallerSeedFile"/>.</summary>
    public string CallerTokenFile { get; }

    /// <summary>The RSA key that signs provisioning tokens of protocol v1.</summary>
    public string SignerFile { get; }

    public string SignerPublicFile { get; }

    /// <summary>Makes those that are not there yet: a stage that is set up again keeps its secrets.</summary>
    public static StageSecrets Make(string folder)
    {
        Directory.CreateDirectory(folder);
        var secrets = new StageSecrets(folder);
        foreach (var password in new[]
        {
            secrets.SharedSecretFile,
            secrets.ProvisionerPasswordFile,
            secrets.ControlPlanePasswordFile,
            secrets.UnprovisionedPasswordFile,
            secrets.NodePasswordFile,
        })
        {
            Write(password, () => RandomNumberGenerator.GetHexString(24, lowercase: true));
        }

        Write(secrets.IssuerSeedFile, () => RandomNumberGenerator.GetHexString(SeedBytes * 2, lowercase: true));
        Write(secrets.ChainSeedFile, () => RandomNumberGenerator.GetHexString(SeedBytes * 2, lowercase: true));
        Write(secrets.CallerSeedFile, () => RandomNumberGenerator.GetHexString(SeedBytes * 2, lowercase: true));

        // Empty: what fills it is not known here, and only its owner may read it from the start.
        Write(secrets.CallerTokenFile, () => "");
        if (!File.Exists(secrets.SignerFile))
        {
            using var signer = TestRsa.For("signer of provisioning tokens");
            Write(secrets.SignerFile, signer.ExportRSAPrivateKeyPem);
            Write(secrets.SignerPublicFile, signer.ExportSubjectPublicKeyInfoPem);
        }

        return secrets;
    }

    private static void Write(string path, Func<string> content)
    {
        if (!File.Exists(path))
        {
            using (new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
            }

            File.WriteAllText(path, content());
        }
    }
}
