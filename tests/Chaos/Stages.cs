using ControlPlane.FleetSimulator;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Chaos;

/// <summary>Stages and fleets that fit each other: the silo believes the nodes' tokens, and the brokers let them in.</summary>
public static class Stages
{
    /// <summary>A fleet on the brokers of a stage, to be completed with what is special about it.</summary>
    public static SimulatedFleetOptions FleetOn(StageBrokers brokers, StageSecrets secrets)
    {
        ArgumentNullException.ThrowIfNull(brokers);
        ArgumentNullException.ThrowIfNull(secrets);
        return new SimulatedFleetOptions
        {
            Brokers = brokers.Provisioning.Url,
            Secret = File.ReadAllText(secrets.SharedSecretFile),
            IssuerSeed = File.ReadAllText(secrets.IssuerSeedFile),
            SignerKeyPem = File.ReadAllText(secrets.SignerFile),
            User = brokers.AreChorias ? null : "unprovisioned",
            Password = brokers.AreChorias ? null : File.ReadAllText(secrets.UnprovisionedPasswordFile),
        };
    }
}
