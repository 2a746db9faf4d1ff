using Microsoft.Extensions.Options;

namespace ControlPlane.History;

/// <summary>Registers the history; a silo without <see cref="HistoryOptions.File"/> pays nothing for it.</summary>
internal static class OperationHistory
{
    public static WebApplicationBuilder AddHistory(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IValidateOptions<HistoryOptions>, HistoryOptionsValidator>();
        builder.Services.AddOptions<HistoryOptions>().BindConfiguration(HistoryOptions.Section).ValidateOnStart();
        if (!string.IsNullOrEmpty(builder.Configuration[$"{HistoryOptions.Section}:{nameof(HistoryOptions.File)}"]))
        {
            builder.Services.AddSingleton<OperationLog>();
            builder.Services.AddSingleton<IIncomingGrainCallFilter, OperationFilter>();
        }

        return builder;
    }
}
