using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Enrolment;

/// <summary>Registers what lets enrolments in.</summary>
internal static class AdmissionHosting
{
    public static void AddAdmission(this IServiceCollection services)
    {
        services.AddOptions<AdmissionOptions>().BindConfiguration(AdmissionOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AdmissionOptions>, AdmissionOptionsValidator>();

        services.AddSingleton<ControlCache>();
        services.AddSingleton<EnrolmentGate>();
        services.AddSingleton<LogPace>();
        services.AddSingleton<ControlReader>();
        services.AddHostedService<AdmissionPulse>();
        services.AddSingleton<SlotReservations>();
        services.AddHostedService(provider => provider.GetRequiredService<SlotReservations>());
    }
}
