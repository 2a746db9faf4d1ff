using ControlPlane;
using ControlPlane.Access;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Flow;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers what Choria's own command line gets here.</summary>
public static class SigningHosting
{
    /// <summary>
    /// Adds user tokens, signatures under requests and the service agent <c>aaa_signer</c>, configured by the section <c>Access:Signer</c>;
    /// without it nobody is given a token, and nothing is signed. Needs the fleet, the access guard and the audit.
    /// </summary>
    public static ISiloBuilder AddChoriaSigning(this ISiloBuilder silo)
    {
        var services = silo.Services;
        services.AddOptions<ChoriaSigningOptions>().BindConfiguration(ChoriaSigningOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ChoriaSigningOptions>, ChoriaSigningOptionsValidator>();
        services.AddChoriaCallers();
        services.AddSingleton<SigningMeter>();
        services.AddSingleton<PasswordCheck>();
        services.AddSingleton<LogInProofs>();
        services.AddSingleton<SignatureCheck>();
        services.AddSingleton<SignatureRights>();
        services.AddSingleton<RequestSealer>();
        services.AddSingleton(provider => new ChoriaSigner(
            provider.GetRequiredService<SignatureCheck>(),
            provider.GetRequiredService<SignatureRights>(),
            provider.GetRequiredService<RequestSealer>(),
            provider.GetRequiredService<SigningMeter>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ChoriaSigner>>()));
        services.AddSingleton(provider => new ChoriaLogIn(
            provider.GetRequiredService<LogInProofs>(),
            provider.GetRequiredService<UserTokens>(),
            provider.GetRequiredService<ChoriaTokens>(),
            provider.GetRequiredService<IAccessPolicy>(),
            provider.GetRequiredService<IAuditTrail>(),
            provider.GetRequiredService<ICallLimits>(),
            provider.GetRequiredService<SigningMeter>(),
            provider.GetRequiredService<ILogger<ChoriaLogIn>>()));
        services.AddSingleton<SignerAgentServer>();
        services.AddRounds<SignerAgentServer>(server => server.Rounds);
        return silo;
    }

    /// <summary>Adds who holds Choria user tokens. Repeatable; needs the grains.</summary>
    public static IServiceCollection AddChoriaCallers(this IServiceCollection services)
    {
        services.TryAddSingleton<OwnTokenIssuer>();
        services.TryAddSingleton<ChoriaTokens>();
        services.TryAddSingleton<UserTokens>();
        services.TryAddSingleton<UserLists>();
        services.TryAddSingleton<UserRestrictions>();
        services.TryAddSingleton(provider => new ChoriaCallers(
            provider.GetRequiredService<ChoriaTokens>(),
            provider.GetRequiredService<UserTokens>(),
            provider.GetRequiredService<UserRestrictions>()));
        return services;
    }
}
