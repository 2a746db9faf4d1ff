using ControlPlane.Adapters.Transport;
using Microsoft.Extensions.Options;

namespace ControlPlane.Hosting;

/// <summary>By what the silo's ports know who connects.</summary>
internal static class SiloPorts
{
    /// <summary>Puts the guard before the ports.</summary>
    public static ISiloBuilder AddPortGuard(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<IValidateOptions<SiloHostOptions>, SiloPortsValidator>();
        return silo.AddPeerGuard(services => CredentialsOf(
            services.GetRequiredService<IOptions<SiloHostOptions>>().Value, services.GetRequiredService<Locality>().Overlay));
    }

    /// <exception cref="StartFailedException">There is no secret, and none can be made.</exception>
    private static PeerCredentials CredentialsOf(SiloHostOptions options, string site)
    {
        if (options.Tls is { } tls)
        {
            return new PeerCredentials.Certificate(tls.CertificateFile, tls.KeyFile, tls.CaFile);
        }

        var file = SecretFileOf(options, site);
        try
        {
            LocalSecret.ReadOrMake(file);
            return new PeerCredentials.Secret(file);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            throw new StartFailedException(
                $"the secret of this machine's silos (Silo:SecretFile) cannot be used: {unusable.Message}", unusable);
        }
    }

    /// <summary>Where the secret is.</summary>
    public static string SecretFileOf(SiloHostOptions options, string site) => options.SecretFile.Length > 0
        ? options.SecretFile
        : Path.Combine(StateFolder(), $"silo-{site}.secret");

    // What systemd gives the service (it may name several), else what programs of a user are to take.
    private static string StateFolder()
    {
        var service = Environment.GetEnvironmentVariable("STATE_DIRECTORY")?.Split(':')[0];
        var user = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        return service is { Length: > 0 } ? service
            : Path.Combine(
                user is { Length: > 0 } ? user
                    : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state"),
                "controlplane");
    }
}
