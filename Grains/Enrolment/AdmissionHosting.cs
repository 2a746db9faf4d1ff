using ControlPlane.Flow;
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
        services.AddSingleton<IValidateOptions<AdmissionOptions>, ArrivalsAwaitedCheck>();

        services.AddSingleton<ControlCache>();
        services.AddSingleton<EnrolmentGate>();
        services.AddSingleton<LogPace>();
        services.AddSingleton<ControlReader>();
        services.AddRounds<ControlReader>(
            "enrolment controls", TimeSpan.FromSeconds(1), (reader, _) => reader.ReadAsync(), isDueAtOnce: true);
        services.AddRounds<EnrolmentGate>("enrolment gate", TimeSpan.FromSeconds(1), gate => gate.Adjust());
        services.AddSingleton<SlotReservations>();
        services.AddRounds<SlotReservations>("turns", TimeSpan.Zero, (turns, token) => turns.AnswerNextAsync(token), isDueAtOnce: true);
    }
}
